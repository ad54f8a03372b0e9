import ArgumentParser
import Lamina
import LaminaArchive
import LaminaFormats
import LaminaGraph

// What can be shown of a model without its plugins: shapes between layers are theirs to say.

enum GraphFormat: String, ExpressibleByArgument, CaseIterable { case dot }

extension Inspect {
    private func definition(_ archive: Archive) throws -> GraphDefinition {
        do {
            return try GraphDefinition(json: archive.json(EntryName.graph))
        } catch let error as JSONError {
            throw LaminaError(.archive, "\(archive.path): \(EntryName.graph): \(error)")
        }
    }

    func show(_ archive: Archive, lacking obstacles: [String]) throws {
        let (manifest, definition) = (archive.manifest, try definition(archive))
        let nodes = definition.nodes + (definition.loss.map { [$0] } ?? [])
        if format.format == .json {
            JSON.object([
                "name": .string(manifest.model.name), "parameters": .integer(Int64(manifest.model.parameters)),
                "nodes": .array(nodes.map { ["name": .string($0.name), "component": .string($0.component)] }),
                "labels": .array((manifest.labels ?? []).map { .string($0) }),
                "missing": .array(obstacles.map { .string($0) }),
            ]).show()
            return
        }
        Terminal.result("\(manifest.model.name): \(manifest.model.parameters) parameters")
        let rows = nodes.map { node in
            [node.name, node.component, node.inputs.map { $0?.description ?? "-" }.joined(separator: ", ")]
        }
        Terminal.result(Text.table(["node", "layer", "inputs"], rows))
        for plugin in manifest.plugins { Terminal.result("needs plugin \(plugin.id) \(plugin.versions)") }
        if let labels = manifest.labels { Terminal.result("labels: \(labels.joined(separator: ", "))") }
        for obstacle in obstacles { Terminal.result("missing: \(obstacle)") }
    }

    func show(_ format: GraphFormat, _ archive: Archive) throws {
        switch format {
        case .dot: Terminal.result(try definition(archive).dot(archive.manifest.model.name))
        }
    }
}

extension GraphDefinition {
    /// The graph in the language of Graphviz: inputs, nodes and outputs from top to bottom.
    func dot(_ name: String) -> String {
        func quoted(_ text: String) -> String { JSON.string(text).text() }
        // Inputs and nodes share one space of names; outputs have their own.
        var lines = ["digraph \(quoted(name)) {", "  node [shape=box, fontname=\"sans-serif\"];"]
        for input in inputs {
            let shape = input.shape.map(\.description).joined(separator: " × ")
            lines.append("  \(quoted(input.name)) [shape=ellipse, label=\(quoted("\(input.name)\n\(shape)"))];")
        }
        for node in nodes + (loss.map { [$0] } ?? []) {
            lines.append("  \(quoted(node.name)) [label=\(quoted("\(node.name)\n\(node.component)"))];")
            for case let source? in node.inputs {
                let port = source.output > 0 ? " [label=\"\(source.output)\"]" : ""
                lines.append("  \(quoted(source.name)) -> \(quoted(node.name))\(port);")
            }
        }
        for output in outputs {
            let id = quoted("output:\(output.name)")
            lines.append("  \(id) [shape=ellipse, label=\(quoted(output.name))];")
            lines.append("  \(quoted(output.reference.name)) -> \(id);")
        }
        return (lines + ["}"]).joined(separator: "\n")
    }
}
