import CLamina
import Glibc
import LaminaGraph
import LaminaHost
import LaminaSDK

/// Any part of a model's graph, computed for a component: values are given by reference, others are wanted.
final class SessionParts {
    private let model: Model
    /// The component, for errors.
    private let id: String
    /// Networks of the parts that were computed, by what is given and wanted.
    private var networks: [(key: [[GraphDefinition.Reference]], network: Network)] = []
    /// What parts have kept of the steps of sequences, by the same keys.
    private var caches: [[[GraphDefinition.Reference]]: StepCache] = [:]
    /// What the last evaluation has given.
    private var outputs: DescriptorArray?

    init(_ model: Model, for id: String) { (self.model, self.id) = (model, id) }

    /// To be called when the model's parameters hold other values than at the last evaluation.
    func parametersChanged() { networks.forEach { $0.network.parametersChanged() } }

    private func references(
        _ names: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int32
    ) throws -> [GraphDefinition.Reference] {
        guard count >= 0, count == 0 || names != nil else {
            throw LaminaError.bug(of: id, "gives a list of \(count) names that is none")
        }
        return try (0..<Int(count)).map { index in
            guard let name = names?[index], let reference = GraphDefinition.Reference(String(cString: name)) else {
                throw LaminaError.bug(of: id, "names a value that no graph can have: wanted NAME or NAME:OUTPUT")
            }
            return reference
        }
    }

    /// The values that are wanted of those that are given; valid until the next evaluation.
    func evaluate(_ evaluation: lamina_task_evaluation) throws -> UnsafePointer<lamina_tensor> {
        let given = try references(evaluation.given, evaluation.given_count)
        let wanted = try references(evaluation.wanted, evaluation.wanted_count)
        guard !wanted.isEmpty else { throw LaminaError.bug(of: id, "asks for an evaluation of nothing") }
        let network = try network(given: given, wanted: wanted)
        guard given.isEmpty || evaluation.values != nil else {
            throw LaminaError.bug(of: id, "gives names without values")
        }
        let values = (0..<given.count).map { evaluation.values[$0] }
        for (index, value) in values.enumerated() {
            let input = network.graph.definition.inputs[index]
            guard (0...8).contains(value.rank), value.rank == 0 || value.shape != nil, value.data != nil,
                value.layout == LAMINA_LAYOUT_PLAIN
            else { throw LaminaError.bug(of: id, "gives '\(given[index])' without data or shape, or not plain") }
            guard let type = DataType(value.dtype), type == input.dtype else {
                throw LaminaError.bug(
                    of: id,
                    "gives '\(given[index])' as \(DataType(value.dtype)?.name ?? "an unknown type"), "
                        + "wanted \(input.dtype.name)")
            }
        }
        var request = PlanRequest(inputs: values.map { value in (0..<Int(value.rank)).map { Int(value.shape[$0]) } })
        var cache: StepCache?
        if let flags = evaluation.given_steps {
            request.steps = .init(inputs: given.indices.map { flags[$0] != 0 }, capacity: Int(evaluation.capacity))
            cache = try stepCache([given, wanted], evaluation)
        }
        let plan: Plan
        do {
            plan = try network.plan(request)
            if let cache, cache.count > 0, let rows = evaluation.rows {
                let sequences = request.steps!.inputs.firstIndex(of: true).map { request.inputs[$0][0] } ?? 0
                try cache.choose((0..<sequences).map { Int(rows[$0]) })
            }
        } catch {
            if error.kind == .unsupported { throw error }
            // The shapes are the task's, made of what people give.
            throw error.kind == .graph ? LaminaError(.data, error.text) : LaminaError(error)
        }
        for (planned, value) in zip(plan.inputs, values) {
            memcpy(planned.data, value.data, planned.count * planned.dtype.size)
        }
        try network.forward(plan, cache: cache)
        let result = DescriptorArray(count: wanted.count)
        for (index, output) in plan.outputs.enumerated() {
            result.describe(
                index, TensorSpec(dtype: output.dtype, shape: output.shape.map(Int64.init)),
                flags: LAMINA_TENSOR_READ_ONLY)
            result.base[index].data = output.data
        }
        outputs = result
        return UnsafePointer(result.base)
    }

    /// The cache of a part, with as many steps as the evaluation says that there are.
    private func stepCache(
        _ key: [[GraphDefinition.Reference]], _ evaluation: lamina_task_evaluation
    ) throws -> StepCache {
        guard (1...1 << 32).contains(evaluation.capacity) else {
            throw LaminaError.bug(of: id, "wants sequences of \(evaluation.capacity) steps")
        }
        if evaluation.past == 0 {
            let cache =
                caches[key].flatMap { $0.capacity == Int(evaluation.capacity) ? $0 : nil }
                ?? StepCache(capacity: Int(evaluation.capacity))
            cache.clear()
            caches[key] = cache
            return cache
        }
        guard let cache = caches[key], cache.capacity == Int(evaluation.capacity), cache.count == Int(evaluation.past)
        else {
            throw LaminaError.bug(
                of: id,
                "goes on behind \(evaluation.past) steps, but the evaluations before it have kept "
                    + "\(caches[key]?.count ?? 0) of \(caches[key]?.capacity ?? 0)")
        }
        return cache
    }

    private func network(
        given: [GraphDefinition.Reference], wanted: [GraphDefinition.Reference]
    ) throws -> Network {
        let key = [given, wanted]
        if let known = networks.first(where: { $0.key == key }) { return known.network }
        let part = try model.graph.part(wanted: wanted, given: given)
        let graph: Graph
        do {
            graph = try Graph(part.definition, registry: model.registry)
        } catch {
            // The layers are those of the model, which had them together.
            throw error.kind == .graph ? LaminaError.bug(of: id, error.text) : LaminaError(error)
        }
        let store = try ParameterStore(graph)
        let entries = model.network.parameters.entries
        let tensors = store.entries.map { own in
            let origin = part.origins[own.name] ?? own.name
            let entry = entries.first { $0.name == origin }!
            return (own.name, own.dtype, own.shape, UnsafeRawPointer(entry.data))
        }
        try store.borrow(tensors, owner: model.network)
        let network = Network(graph, store)
        networks.append((key, network))
        return network
    }
}
