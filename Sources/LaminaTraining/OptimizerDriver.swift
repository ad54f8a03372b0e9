import CLamina
import CLaminaMath
import Glibc
import LaminaFormats
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK

/// The optimizers of a training run, with their states: one per parameter group, and with layer-wise learning-rate decay one
/// per group and depth.
///
/// The learning rate of a parameter of depth d (`Graph.parameterDepths`) is then multiplied by decay^d, as the schedule
/// multiplies it: with it falls what an optimizer takes off weights in proportion to the rate. Clark, Luong, Le, Manning:
/// ELECTRA, ICLR 2020; Bao, Dong, Piao, Wei: BEiT, ICLR 2022.
///
/// Clipping by norm is done here, over all groups together: the norm becomes a factor that the step applies.
public final class OptimizerDriver: @unchecked Sendable {
    private let network: Network
    private let clipNorm: Double?
    private let clipValue: Double?
    private let groups: [Group]
    private let stateMemory: AlignedMemory
    /// Name, type, shape and memory of each state tensor, for checkpoints: "exp_avg.fc1.weight".
    public let states: [(name: String, dtype: DataType, shape: [Int], data: UnsafeMutableRawPointer)]
    /// Partial sums of squares, per chunk of each trained parameter.
    private let partialSums: UnsafeMutablePointer<Double>
    private let trained: [Int]
    /// What the recipe's learning rate is multiplied by for each trained parameter, from the graph's first on.
    public let learningRateFactors: [(parameter: String, factor: Double)]
    private static let chunk = 1 << 16

    private final class Group: @unchecked Sendable {
        let call: ComponentCall
        let table: UnsafePointer<lamina_optimizer>
        let handle: UnsafeMutableRawPointer
        let stateNames: [(name: String, isScalar: Bool, initial: Double)]
        let learningRateFactor: Double
        var parameters: [Int] = []
        var step = lamina_optimizer_step()
        private var tensors: [UnsafeMutablePointer<lamina_tensor>] = []
        private var dimensions: [UnsafeMutablePointer<Int64>] = []

        init(
            _ id: String, _ attributes: JSONObject, learningRateFactor: Double, _ registry: Registry
        ) throws(TrainingError) {
            self.learningRateFactor = learningRateFactor
            let call = try ComponentCall(kind: LAMINA_KIND_OPTIMIZER, id, attributes, registry)
            let table: UnsafePointer<lamina_optimizer> = call.component.table()
            let handle = try call.create(table.pointee.create)
            (self.call, self.table, self.handle) = (call, table, handle)
            let sink = Sink()
            let status = table.pointee.declare_state(handle, Unmanaged.passUnretained(sink).toOpaque()) {
                sink, name, kind, initial in
                guard let name else { return LAMINA_ERROR_INTERNAL }
                Unmanaged<Sink>.fromOpaque(sink!).takeUnretainedValue().states.append(
                    (String(cString: name), kind == LAMINA_STATE_SCALAR, initial))
                return LAMINA_OK
            }
            try withExtendedLifetime(sink) { () throws(TrainingError) in try call.check(status) }
            stateNames = sink.states
        }

        deinit {
            table.pointee.destroy(handle)
            tensors.forEach { $0.deallocate() }
            dimensions.forEach { $0.deallocate() }
        }

        private final class Sink { var states: [(name: String, isScalar: Bool, initial: Double)] = [] }

        /// A table of plain tensors.
        func table(
            _ entries: [(dtype: DataType, shape: [Int], data: UnsafeMutableRawPointer)]
        ) -> UnsafeMutablePointer<lamina_tensor> {
            let table = UnsafeMutablePointer<lamina_tensor>.allocate(capacity: max(entries.count, 1))
            tensors.append(table)
            for (index, entry) in entries.enumerated() {
                let rank = entry.shape.count
                let memory = UnsafeMutablePointer<Int64>.allocate(capacity: max(2 * rank, 1))
                dimensions.append(memory)
                var stride: Int64 = 1
                for (axis, size) in entry.shape.enumerated().reversed() {
                    memory[axis] = Int64(size)
                    memory[rank + axis] = stride
                    stride *= Int64(max(size, 1))
                }
                var tensor = lamina_tensor()
                tensor.data = entry.data
                tensor.device_type = LAMINA_DEVICE_CPU
                tensor.rank = Int32(rank)
                tensor.dtype = entry.dtype.raw
                tensor.layout = LAMINA_LAYOUT_PLAIN
                tensor.shape = UnsafePointer(memory)
                tensor.strides = UnsafePointer(memory + rank)
                (table + index).initialize(to: tensor)
            }
            return table
        }
    }

    /// Makes optimizers and states for every parameter of the network that is not frozen. Its gradients have to exist.
    public init(_ optimizer: Recipe.Optimizer, _ network: Network) throws(TrainingError) {
        guard !network.parameters.isReadOnly else {
            throw TrainingError(
                .recipe, "the weights are mapped read-only and cannot be trained: open the model with writable: true")
        }
        self.network = network
        clipNorm = optimizer.clipNorm
        clipValue = optimizer.clipValue
        let graph = network.graph
        let registry = graph.registry
        let depths = optimizer.layerDecay.map { _ in graph.parameterDepths }
        let depthCount = (depths?.max() ?? 0) + 1
        var own: [Group?] = Array(repeating: nil, count: (optimizer.groups.count + 1) * depthCount)
        var trained: [Int] = []
        var factors: [(parameter: String, factor: Double)] = []
        for (index, parameter) in graph.parameters.enumerated() where !parameter.isFrozen {
            trained.append(index)
            let position = optimizer.group(of: parameter.name, isNoDecay: !parameter.hasDecay) ?? optimizer.groups.count
            let depth = depths?[index] ?? 0
            let factor = optimizer.layerDecay.map { pow($0, Double(depth)) } ?? 1
            factors.append((parameter.name, factor))
            let slot = position * depthCount + depth
            if own[slot] == nil {
                let attributes =
                    position < optimizer.groups.count
                    ? optimizer.groups[position].attributes : optimizer.component.attributes
                own[slot] = try Group(optimizer.component.id, attributes, learningRateFactor: factor, registry)
            }
            own[slot]!.parameters.append(index)
        }
        self.trained = trained
        learningRateFactors = factors
        groups = own.compactMap { $0 }
        // Lay the states out.
        var layout: [(group: Int, parameter: Int, state: Int, bytes: Int)] = []
        for (g, group) in groups.enumerated() {
            for parameter in group.parameters {
                for (s, state) in group.stateNames.enumerated() {
                    let bytes = state.isScalar ? 8 : graph.parameters[parameter].shape.reduce(4, *)
                    layout.append((g, parameter, s, bytes))
                }
            }
        }
        do {
            stateMemory = try AlignedMemory(
                bytes: layout.reduce(0) { $0 + ($1.bytes + 63) / 64 * 64 }, purpose: "the optimizer's state")
        } catch {
            throw TrainingError(.internal, error.text)
        }
        var offset = 0
        var states: [(name: String, dtype: DataType, shape: [Int], data: UnsafeMutableRawPointer)] = []
        for entry in layout {
            let state = groups[entry.group].stateNames[entry.state]
            let parameter = graph.parameters[entry.parameter]
            states.append(
                (
                    "\(state.name).\(parameter.name)", state.isScalar ? .float64 : .float32,
                    state.isScalar ? [] : parameter.shape, stateMemory.base + offset
                ))
            offset += (entry.bytes + 63) / 64 * 64
        }
        self.states = states
        let chunks = trained.reduce(0) { $0 + (graph.parameters[$1].shape.reduce(1, *) + Self.chunk - 1) / Self.chunk }
        partialSums = .allocate(capacity: max(chunks, 1))
        reset()
        describe(layout.map { ($0.group, $0.bytes) })
    }

    deinit { partialSums.deallocate() }

    /// Sets all states to their initial values.
    public func reset() {
        var index = 0
        for group in groups {
            for parameter in group.parameters {
                for state in group.stateNames {
                    if state.isScalar {
                        states[index].data.storeBytes(of: state.initial, as: Double.self)
                    } else {
                        let count = network.graph.parameters[parameter].shape.reduce(1, *)
                        states[index].data.assumingMemoryBound(to: Float.self).update(
                            repeating: Float(state.initial), count: count)
                    }
                    index += 1
                }
            }
        }
    }

    private func describe(_ layout: [(group: Int, bytes: Int)]) {
        var first = 0
        let entries = network.parameters.entries
        for group in groups {
            let count = group.parameters.count * group.stateNames.count
            group.step.struct_size = UInt32(MemoryLayout<lamina_optimizer_step>.size)
            group.step.parameter_count = Int32(group.parameters.count)
            group.step.state_count = Int32(group.stateNames.count)
            group.step.parameters = UnsafePointer(
                group.table(group.parameters.map { (.float32, entries[$0].shape, entries[$0].data) }))
            group.step.gradients = UnsafePointer(
                group.table(
                    group.parameters.map {
                        (.float32, entries[$0].shape, UnsafeMutableRawPointer(network.parameterGradients[$0]))
                    }))
            group.step.states = UnsafePointer(
                group.table(states[first..<first + count].map { ($0.dtype, $0.shape, $0.data) }))
            first += count
        }
    }

    /// Updates all parameters from their gradients. Allocates nothing.
    ///
    /// - Parameters:
    ///   - number: 1 at the first step.
    ///   - learningRateFactor: what the schedule gives.
    ///   - gradientScale: 1 / number of accumulated batches.
    /// - Throws: `.diverged` when the gradients have to be clipped by their norm and it is no finite number.
    public func step(_ number: UInt64, learningRateFactor: Double, gradientScale: Double = 1) throws(TrainingError) {
        var scale = gradientScale
        if let clipNorm {
            let norm = gradientNorm() * gradientScale
            guard norm.isFinite else { throw TrainingError(.diverged, "the norm of the gradients is \(norm)") }
            if norm > clipNorm { scale *= clipNorm / (norm + 1e-6) }
        }
        for group in groups {
            group.step.step = number
            group.step.learning_rate_factor = learningRateFactor * group.learningRateFactor
            group.step.gradient_scale = scale
            group.step.clip_value = clipValue ?? .infinity
            try group.call.check(group.table.pointee.step(group.handle, &group.step))
        }
        network.parametersChanged()
    }

    private struct NormJob {
        var gradient: UnsafePointer<Float>
        var count: Int
        var partials: UnsafeMutablePointer<Double>
    }

    /// The Euclidean norm of all trained gradients together; the same bits on any number of threads.
    public func gradientNorm() -> Double {
        var used = 0
        for parameter in trained {
            let count = network.graph.parameters[parameter].shape.reduce(1, *)
            guard count > 0 else { continue }
            let chunks = (count + Self.chunk - 1) / Self.chunk
            var job = NormJob(
                gradient: UnsafePointer(network.parameterGradients[parameter]), count: count,
                partials: partialSums + used)
            withUnsafeMutablePointer(to: &job) { job in
                network.graph.registry.runtime.parallelFor(count: count, grain: Self.chunk, context: job) {
                    context, begin, end in
                    let job = context!.assumingMemoryBound(to: NormJob.self).pointee
                    job.partials[Int(begin) / OptimizerDriver.chunk] = lamina_math_sum_squares(
                        job.gradient + Int(begin), end - begin)
                }
            }
            used += chunks
        }
        var total = 0.0
        for index in 0..<used { total += partialSums[index] }
        return total.squareRoot()
    }
}
