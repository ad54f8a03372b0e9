import CLamina
import LaminaGraph
import LaminaHost
import LaminaRecipe
import LaminaSDK

/// Batches of a recipe's data for a procedure, epoch after epoch, each in an order of its own.
///
/// Only whole batches are handed out: what an epoch has beyond its last one is left to other epochs. The order of an epoch
/// follows from the recipe's seed, the stream's number and the epoch's alone.
final class DataStream {
    /// A tensor of each sample, as the procedure asked for it.
    struct Request {
        var stream: Int
        var isTarget: Bool
        var name: String
        var dtype: DataType
        var shape: [Int]
    }

    /// What comes next.
    struct Position: Sendable, Equatable {
        var epoch = 0
        var batch = 0
    }

    let dataset: Dataset
    let batchesPerEpoch: Int
    private(set) var position = Position()
    private let requests: [Request]
    private let seed: UInt64
    private let batchSize: Int
    private let shuffles: Bool
    private let slots: [Batch]
    private let order: UnsafeMutableBufferPointer<Int64>
    private var loader: BatchLoader?
    private let tensors: DescriptorArray
    private let memory: UnsafeMutablePointer<lamina_batch>

    /// - Parameter fields: of the recipe's `data.input`, those of the requests that are no targets; empty: its usual one.
    init(
        _ number: Int, _ requests: [Request], _ data: Recipe.Datasets, fields: [String], _ training: Recipe.Training,
        registry: Registry
    ) throws(TrainingError) {
        self.requests = requests
        let inputs = requests.filter { !$0.isTarget }
        let definition = GraphDefinition(
            inputs: inputs.map {
                .init($0.name, $0.dtype, [.symbol(Recipe.batchDimension)] + $0.shape.map { .fixed($0) })
            })
        var data = data
        data.inputs = fields
        let target = requests.first { $0.isTarget }
        dataset = try Dataset(
            data.train, data, for: definition, hasTarget: target != nil, registry: registry)
        batchSize = training.batch
        shuffles = training.shuffle
        // A stream's order is not another's.
        seed = training.seed &+ UInt64(number) &* 0x9e37_79b9_7f4a_7c15
        batchesPerEpoch = dataset.count / batchSize
        guard batchesPerEpoch > 0 else {
            throw TrainingError(
                .recipe,
                "\(data.train.id): \(dataset.count) samples are less than a batch; set train.batch to at most \(dataset.count)"
            )
        }
        if let target, let got = dataset.target(batch: 1) {
            guard got.dtype == target.dtype, got.shape == [1] + target.shape else {
                throw TrainingError(
                    .recipe,
                    "the target of \(data.train.id) is \(got.dtype.name) \(got.shape.dropFirst().map { $0 }), the procedure wants "
                        + "\(target.dtype.name) \(target.shape) as '\(target.name)'; name another field as data.target")
            }
        }
        slots = [try Batch(dataset, capacity: batchSize), try Batch(dataset, capacity: batchSize)]
        order = .allocate(capacity: batchesPerEpoch * batchSize)
        tensors = DescriptorArray(count: requests.count)
        memory = .allocate(capacity: 1)
        memory.initialize(
            to: lamina_batch(
                struct_size: UInt32(MemoryLayout<lamina_batch>.size), tensor_count: Int32(requests.count),
                count: Int64(batchSize), tensors: tensors.base))
    }

    deinit {
        loader?.stop()
        order.deallocate()
        memory.deallocate()
    }

    /// Goes on elsewhere.
    func move(to position: Position) {
        loader?.stop()
        loader = nil
        self.position = position
    }

    /// The next batch; the one before is no longer valid.
    func next() throws(TrainingError) -> UnsafePointer<lamina_batch> {
        if position.batch == batchesPerEpoch { move(to: Position(epoch: position.epoch + 1)) }
        let loader = self.loader ?? begin()
        guard let batch = try loader.next() else {
            throw TrainingError(.internal, "the data end at batch \(position.batch) of \(batchesPerEpoch)")
        }
        position.batch += 1
        var inputs = batch.inputs.makeIterator()
        for (index, request) in requests.enumerated() {
            guard let tensor = request.isTarget ? batch.target : inputs.next() else { continue }
            tensors.base[index] = tensor.raw.pointee
            tensors.base[index].flags = LAMINA_TENSOR_READ_ONLY
        }
        return UnsafePointer(memory)
    }

    private func begin() -> BatchLoader {
        let samples = SampleOrder.epoch(
            (0..<Int64(dataset.count)).map { $0 }, position.epoch, shuffles: shuffles, seed: seed)
        _ = order.update(from: samples.prefix(order.count))
        let new = BatchLoader(
            slots, indices: UnsafeBufferPointer(order), batchSize: batchSize, start: position.batch, isTraining: true,
            seed: seed, firstStep: UInt64(position.epoch * batchesPerEpoch + position.batch))
        loader = new
        return new
    }
}
