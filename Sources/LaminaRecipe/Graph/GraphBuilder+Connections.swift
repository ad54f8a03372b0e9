import LaminaGraph
import LaminaHost
import LaminaSDK
import LaminaSchema

extension GraphBuilder {
    /// Checks how many inputs there are; optional ones at the end that are not connected are left out.
    ///
    /// - Parameter implied: the input that the host connects.
    func connected(
        _ given: [Reference?], to description: ComponentDescription, _ subject: String, _ place: Place,
        implied: String? = nil
    ) throws(RecipeError) -> [Reference?] {
        var inputs = given
        while inputs.last == .some(nil) { inputs.removeLast() }
        let ports = description.inputs
        let least = (ports.lastIndex { $0.arity != .optional } ?? -1) + 1
        let most = description.inputRange.most
        guard inputs.count >= least, inputs.count <= most ?? .max else {
            let names = ports.map { port in
                port.arity == .optional ? "\(port.name)?" : port.arity == .variadic ? "\(port.name)…" : port.name
            }
            let count =
                most == nil
                ? "\(least) or more inputs" : least == most ? "\(least) inputs" : "\(least) to \(most!) inputs"
            let wanted = most == 1 && least == 1 ? "1 input" : count
            let advised = names.filter { $0 != implied }.map { $0.filter { $0 != "?" } }
            throw error(
                "\(subject) takes \(wanted) (\(names.joined(separator: ", "))), got \(inputs.count): "
                    + "name them with 'from: [\(advised.joined(separator: ", "))]'", place)
        }
        for (index, input) in inputs.enumerated() where input == nil {
            let port = ports[min(index, ports.count - 1)]
            guard port.arity == .optional else {
                throw error("\(subject): its input '\(port.name)' has to be connected", place)
            }
        }
        return inputs
    }

    /// What a name in the recipe refers to; it has to stand above.
    func resolve(_ link: Recipe.Link) throws(RecipeError) -> Reference {
        let reference = link.reference
        switch targets[reference.name] {
        case .input:
            guard reference.output == 0 else {
                throw error("'\(reference)': an input of the model has no further outputs", link.place)
            }
            return reference
        case .node:
            return reference
        case .group(let outputs):
            guard outputs.indices.contains(reference.output) else {
                throw error(
                    "'\(reference)': '\(reference.name)' has \(outputs.count) outputs, counted from 0", link.place)
            }
            return outputs[reference.output]
        case nil:
            if givenNames.contains(reference.name) {
                throw error("'\(reference.name)' stands below; a layer takes what stands above it", link.place)
            }
            throw error(
                "there is no layer or input '\(reference.name)' above"
                    + Suggestion.question(for: reference.name, among: targets.keys.sorted()), link.place)
        }
    }

    func describe(
        _ id: String, _ kinds: [String], _ place: Place, within block: String? = nil
    ) throws(RecipeError) -> ComponentDescription {
        do {
            return try RecipeReader(file: recipe.file.path, folder: nil, registry: registry).describe(
                id, place, kinds: kinds)
        } catch {
            guard let block else { throw error }
            throw self.error("\(block): \(error.message)", place, kind: error.kind)
        }
    }

    func error(_ message: String, _ place: Place, kind: RecipeError.Kind = .recipe) -> RecipeError {
        place.error(message, in: recipe.file.path, kind: kind)
    }
}
