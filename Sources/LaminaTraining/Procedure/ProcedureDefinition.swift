import CLamina
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK
import LaminaSchema

/// What a procedure's `define` says: the model, the files of its archive, the tensors of its training. Nothing is trusted.
public struct ProcedureDefinition: Sendable {
    public private(set) var model = Recipe.Model(inputs: [], layers: [])
    /// Numbers of the recipe's networks that make up the model in place of `model`.
    public private(set) var published: [Int] = []
    /// Names below `assets/`, and content.
    public private(set) var assets: [(name: String, bytes: [UInt8])] = []
    public private(set) var states: [(name: String, dtype: DataType, shape: [Int])] = []
    private(set) var data: [DataStream.Request] = []

    /// Runs `define` and collects what it says.
    ///
    /// - Parameter networks: those of the recipe; nil: it has none.
    init(
        _ id: String, _ networks: ProcedureNetworks?, _ progress: @escaping (Double, String) -> Void,
        define: (UnsafePointer<lamina_procedure_model>) -> lamina_status,
        check: (lamina_status) throws -> Void
    ) throws {
        let sink = Sink(progress, networkCount: networks?.networks.count ?? 0)
        var raw = lamina_procedure_model(
            struct_size: UInt32(MemoryLayout<lamina_procedure_model>.size), reserved: 0,
            sink: Unmanaged.passUnretained(sink).toOpaque(),
            add_input: { sink, name, dtype, rank, shape in
                Sink.at(sink).accept { definition throws(DefinitionRefusal) in
                    let name = try text(name, "an input's name")
                    let (type, sizes) = try form("input '\(name)'", dtype, rank, shape)
                    definition.model.inputs.append(
                        .init(name, type, [.symbol(Recipe.batchDimension)] + sizes.map { .fixed($0) }))
                }
            },
            add_node: { sink, node in
                Sink.at(sink).accept { definition throws(DefinitionRefusal) in
                    definition.model.layers.append(try layer(node))
                }
            },
            add_output: { sink, name, source in
                Sink.at(sink).accept { definition throws(DefinitionRefusal) in
                    let name = try text(name, "an output's name")
                    definition.model.outputs.append(
                        .init(name, .init(try reference(text(source, "output '\(name)'")))))
                }
            },
            add_asset: { sink, name, bytes, size in
                Sink.at(sink).accept { definition throws(DefinitionRefusal) in
                    let name = try text(name, "an asset's name")
                    guard !definition.assets.contains(where: { $0.name == name }) else {
                        throw DefinitionRefusal(text: "asset '\(name)' is there already")
                    }
                    guard size == 0 || bytes != nil, size <= 1 << 40 else {
                        throw DefinitionRefusal(
                            text: bytes == nil
                                ? "asset '\(name)' has no bytes" : "asset '\(name)' has \(size) bytes, more than 2⁴⁰")
                    }
                    definition.assets.append((name, Array(UnsafeRawBufferPointer(start: bytes, count: Int(size)))))
                }
            },
            add_state: { sink, name, dtype, rank, shape in
                Sink.at(sink).accept { definition throws(DefinitionRefusal) in
                    let name = try text(name, "a state's name")
                    guard !definition.states.contains(where: { $0.name == name }) else {
                        throw DefinitionRefusal(text: "state '\(name)' is there already")
                    }
                    let (type, sizes) = try form("state '\(name)'", dtype, rank, shape)
                    definition.states.append((name, type, sizes))
                }
            },
            progress: { sink, fraction, text in
                Sink.at(sink).progress(fraction, text.map { String(cString: $0) } ?? "")
            }, networks: networks?.raw,
            publish: { sink, network in
                Sink.at(sink).accept { definition throws(DefinitionRefusal) in
                    let count = Sink.at(sink).networkCount
                    guard (0..<count).contains(Int(network)), !definition.published.contains(Int(network)) else {
                        throw DefinitionRefusal(
                            text: "publishes network \(network), which is already or is none of the recipe's \(count)")
                    }
                    definition.published.append(Int(network))
                }
            },
            add_data: { sink, stream, role, name, dtype, rank, shape in
                Sink.at(sink).accept { definition throws(DefinitionRefusal) in
                    let name = try text(name, "data")
                    let (type, sizes) = try form("data '\(name)'", dtype, rank, shape)
                    guard (0..<16).contains(stream), [LAMINA_DATA_INPUT, LAMINA_DATA_TARGET].contains(role) else {
                        throw DefinitionRefusal(text: "asks for data '\(name)' of no known stream or role")
                    }
                    guard
                        role == LAMINA_DATA_INPUT
                            || !definition.data.contains(where: { $0.isTarget && $0.stream == Int(stream) })
                    else {
                        throw DefinitionRefusal(text: "asks for '\(name)' as a second target of stream \(stream)")
                    }
                    definition.data.append(
                        .init(
                            stream: Int(stream), isTarget: role == LAMINA_DATA_TARGET, name: name, dtype: type,
                            shape: sizes))
                }
            })
        let status = withExtendedLifetime(sink) { define(&raw) }
        if let refusal = sink.refusal {
            throw TrainingError(.internal, "\(id): \(refusal) (a bug of the plugin)")
        }
        try check(status)
        self = sink.definition
        let isOwn = !model.inputs.isEmpty && !model.layers.isEmpty && !model.outputs.isEmpty
        guard isOwn == published.isEmpty else {
            throw TrainingError(.internal, "\(id): defines no model, or two (a bug of the plugin)")
        }
        let requests = data
        let streams = Set(requests.map(\.stream))
        guard streams == Set(0..<streams.count) else {
            throw TrainingError(
                .internal,
                "\(id): asks for data of the streams \(streams.sorted()), which have gaps (a bug of the plugin)")
        }
    }

    private init() {}

    private final class Sink {
        var definition = ProcedureDefinition()
        let progress: (Double, String) -> Void
        let networkCount: Int
        var refusal: String?

        init(_ progress: @escaping (Double, String) -> Void, networkCount: Int) {
            (self.progress, self.networkCount) = (progress, networkCount)
        }

        static func at(_ pointer: UnsafeMutableRawPointer?) -> Sink {
            Unmanaged<Sink>.fromOpaque(pointer!).takeUnretainedValue()
        }

        func accept(_ body: (inout ProcedureDefinition) throws(DefinitionRefusal) -> Void) -> lamina_status {
            do {
                try body(&definition)
                return LAMINA_OK
            } catch {
                if refusal == nil { refusal = error.text }
                return LAMINA_ERROR_INTERNAL
            }
        }
    }
}

private struct DefinitionRefusal: Error { let text: String }

private func text(_ pointer: UnsafePointer<CChar>?, _ what: String) throws(DefinitionRefusal) -> String {
    guard let pointer, let text = String(validatingCString: pointer) else {
        throw DefinitionRefusal(text: "gives no valid text for \(what)")
    }
    return text
}

private func reference(_ text: String) throws(DefinitionRefusal) -> GraphDefinition.Reference {
    guard let reference = GraphDefinition.Reference(text) else {
        throw DefinitionRefusal(text: "'\(text)' refers to nothing: wanted NAME or NAME:OUTPUT")
    }
    return reference
}

private func form(
    _ what: String, _ dtype: lamina_dtype, _ rank: Int32, _ shape: UnsafePointer<Int64>?
) throws(DefinitionRefusal) -> (DataType, [Int]) {
    guard let type = DataType(dtype), (0...7).contains(rank), rank == 0 || shape != nil else {
        throw DefinitionRefusal(text: "\(what) has no known type or shape")
    }
    let sizes = (0..<Int(rank)).map { Int(shape![$0]) }
    var count = 1
    for size in sizes {
        let (product, overflow) = count.multipliedReportingOverflow(by: size)
        guard size >= 0, !overflow, product <= TensorSpec.maximumCount else {
            throw DefinitionRefusal(text: "\(what) cannot have shape \(sizes)")
        }
        count = product
    }
    return (type, sizes)
}

private func layer(_ node: UnsafePointer<lamina_block_node>?) throws(DefinitionRefusal) -> Recipe.Layer {
    guard let raw = lamina_block_node(node) else { throw DefinitionRefusal(text: "adds a malformed node") }
    let name = try text(raw.name, "a node's name")
    guard (0...4096).contains(raw.input_count), raw.input_count == 0 || raw.inputs != nil else {
        throw DefinitionRefusal(text: "gives node '\(name)' a malformed list of inputs")
    }
    var inputs: [Recipe.Link?] = []
    for index in 0..<Int(raw.input_count) {
        guard let input = raw.inputs[index] else {
            inputs.append(nil)
            continue
        }
        inputs.append(.init(try reference(text(input, "an input of node '\(name)'"))))
    }
    let attributes: JSONObject
    do {
        attributes = try JSONObject(raw.attributes)
    } catch {
        throw DefinitionRefusal(text: "node '\(name)': \(error.text)")
    }
    let id = try text(raw.component, "the component of node '\(name)'")
    guard raw.share == nil, raw.initializer_count == 0 else {
        throw DefinitionRefusal(
            text: "node '\(name)' shares parameters or has initializers, which procedures cannot ask for")
    }
    return Recipe.Layer(.init(kind: LAMINA_KIND_LAYER, id, attributes), name: name, inputs: inputs)
}
