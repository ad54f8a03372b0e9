import LaminaFormats
import LaminaGraph
import LaminaSchema

extension RecipeReader {
    static let dataKeys = ["test", "validation", "input", "target", "transforms", "classes", "text"]

    static let transformKeys = ["field", "as"]

    /// - Parameter all: the model's inputs; nil: those of the base, which is not known here.
    func datasets(
        _ node: YAMLNode, inputs all: [GraphDefinition.Input]?, _ texts: [Recipe.TextEntry]
    ) throws(RecipeError) -> Recipe.Datasets {
        let filled = texts.inputs.map(\.name)
        let inputs = all.map { $0.filter { !filled.contains($0.name) } }
        var fields = try RecipeFields(node, "'data'", wanted: "a mapping with 'train'", file: file)
        let train = try fields.require("train", "write 'train: { reader: <plugin>.<name>, … }'")
        let test = fields.take("test")
        let validation = fields.take("validation")
        let input = fields.take("input")
        let target = fields.take("target")
        let transforms = fields.take("transforms")
        let classes = fields.take("classes")
        _ = fields.take("text")
        try fields.finish()

        var datasets = Recipe.Datasets(train: try source(train, "'data.train'"), texts: texts)
        if let test { datasets.test = try source(test, "'data.test'") }
        if let validation { datasets.validation = try source(validation, "'data.validation'") }
        if let input {
            datasets.inputs = try self.texts(input, "'data.input'", of: "fields")
            if let inputs, inputs.isEmpty {
                throw error("'data.input': every input of the model is filled by 'data.text'; leave it out", input)
            }
            if let inputs, datasets.inputs.count != inputs.count {
                throw error(
                    "'data.input' names \(datasets.inputs.count) fields, the model has \(inputs.count) "
                        + "(\(inputs.map(\.name).joined(separator: ", "))): name one for each", input)
            }
        } else if let inputs, inputs.count > 1 {
            throw error(
                "the model has \(inputs.count) inputs (\(inputs.map(\.name).joined(separator: ", "))): "
                    + "write 'input: [fields]' here, one for each", node)
        }
        if let target {
            if texts.contains(where: { $0.name == GraphDefinition.targetName || $0.stream != nil }) {
                throw error("'data.target': the target comes from 'data.text'; leave one of them out", target)
            }
            datasets.target = try text(target, "'data.target'")
        }
        if let transforms { datasets.transforms = try self.transforms(transforms) }
        if let classes { datasets.classes = try self.classes(classes) }
        return datasets
    }

    /// The data of networks that a procedure trains, which does not look at all that others may have.
    func datasets(_ node: YAMLNode, for procedure: String) throws(RecipeError) -> Recipe.Datasets {
        for entry in node.entries ?? [] {
            switch entry.key {
            case "validation":
                throw error(
                    "'data.validation': the procedure '\(procedure)' validates by itself, if it does; leave it out",
                    entry.place)
            case "text":
                throw error("'data.text': the networks of a procedure take no texts; leave it out", entry.place)
            default: continue
            }
        }
        let data = try datasets(node, inputs: nil, [])
        // Which of several tensors are the first input is the procedure's business.
        if data.inputs.count > 1, let transform = data.transforms.first(where: { $0.field == nil }) {
            throw error(
                "'\(transform.component.id)': 'data.input' names several fields (\(data.inputs.joined(separator: ", "))): say "
                    + "with 'field' which of them it changes", transform.component.place)
        }
        return data
    }

    /// `{ reader: <plugin>.<name>, attribute: value, … }`
    private func source(_ node: YAMLNode, _ subject: String) throws(RecipeError) -> Recipe.Component {
        if let id = node.string {
            return try bind(
                ComponentEntry(
                    id: id, place: node.place, attributes: [],
                    siblings: RecipeFields([], node.place, subject, file: file)),
                kinds: ["source"], hostKeys: [])
        }
        var fields = try RecipeFields(node, subject, wanted: "a mapping with 'reader' and its attributes", file: file)
        let example = registry.components(kind: "source").first?.id ?? "<plugin>.<name>"
        if fields.entries.count == 1, let entry = fields.entries.first, entry.key.contains(".") {
            throw error(
                "\(subject): write '{ reader: \(shortened(entry.key)), … }' with the attributes beside 'reader'",
                entry.place)
        }
        let reader = try fields.require("reader", "write 'reader: \(example)' and its attributes beside it")
        let id = try text(reader, "'reader'")
        let description = try describe(id, reader.place, kinds: ["source"])
        let given = fields.entries.filter { $0.key != "reader" }
        return try component(description, given, reader.place)
    }

    private func transforms(_ node: YAMLNode) throws(RecipeError) -> [Recipe.Transform] {
        guard case .list(let nodes) = node.content else {
            throw error("'transforms' is a list of components, got \(node.summary); begin each entry with '- '", node)
        }
        var transforms: [Recipe.Transform] = []
        for node in nodes {
            var entry = try entry(node, "an entry of 'transforms'", kinds: ["transform"], hostKeys: Self.transformKeys)
            let field = entry.siblings.take("field")
            let result = entry.siblings.take("as")
            var transform = Recipe.Transform(try bind(entry, kinds: ["transform"], hostKeys: Self.transformKeys))
            try finish(entry, hostKeys: Self.transformKeys)
            if let field { transform.field = try text(field, "'field'") }
            if let result {
                transform.result = try text(result, "'as'")
                try check(newName: transform.result!, "a field", result.place)
                guard transform.field != nil else {
                    throw error("'as' makes a new field of another: say with 'field' of which", result)
                }
                if transforms.contains(where: { $0.result == transform.result }) {
                    throw error("'as': there is a field '\(transform.result!)' already; take another name", result)
                }
            }
            transforms.append(transform)
        }
        return transforms
    }

    /// Class names; numbers count as texts here, because digits are classes too.
    private func classes(_ node: YAMLNode) throws(RecipeError) -> [String] {
        var names: [String] = []
        var seen: Set<String> = []
        for element in try list(node, "'classes'", of: "names") {
            guard case .scalar(let value, let name) = element.content, value != .null else {
                throw error("'classes': wanted a name, got \(element.summary)", element)
            }
            guard seen.insert(name).inserted else {
                throw error("'classes': '\(shortened(name))' stands twice", element)
            }
            names.append(try plain(name, "'classes'", element))
        }
        return names
    }
}
