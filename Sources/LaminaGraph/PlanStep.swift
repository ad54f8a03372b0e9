import CLamina
import LaminaHost

/// The calls of one operation in a plan, with all that they are handed.
final class PlanStep {
    typealias Call = @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<lamina_run>?) -> lamina_status
    typealias TensorPointer = UnsafeMutablePointer<lamina_tensor>

    /// A gradient that the host adds after backward, because the layer can only overwrite.
    struct Addition {
        var source: TensorPointer
        var target: TensorPointer
        var count: Int
        /// The first contribution to a parameter's gradient: added only when gradients accumulate over batches.
        var isFirst: Bool
    }

    let name: String
    let component: String
    let planned: PlannedHandle?
    let forward: Call?
    let backward: Call?
    let prepare: Call?
    let stream: UInt64
    let runsBackward: Bool
    let forwardRun: UnsafeMutablePointer<lamina_run>
    let backwardRun: UnsafeMutablePointer<lamina_run>
    let outputCount: Int
    /// What runs range by range while this step's forward does.
    var followers: UnsafeMutablePointer<Follower>?
    private(set) var followingSteps: [PlanStep] = []
    /// Its forward is called by another step's.
    var follows = false
    /// Set for copies between layouts; nil when both sides are the same memory.
    var reorder: Reorder?
    var reorderAddsGradient = false
    /// Sequences, and bytes of each of their steps, that it keeps from run to run.
    var cache: (rows: Int, stepBytes: Int)?
    /// Whether steps before those of its inputs concern it.
    var takesSteps = false
    /// Gradients of this operation's outputs that nobody contributes to.
    var zeroed: [TensorPointer] = []
    var additions: [Addition] = []
    /// Parameter gradients that this operation is the first to write.
    var firstContributions: [TensorPointer] = []

    init(
        name: String, component: String, planned: PlannedHandle?, stream: UInt64, runsBackward: Bool, outputCount: Int
    ) {
        self.name = name
        self.component = component
        self.planned = planned
        self.stream = stream
        self.runsBackward = runsBackward
        self.outputCount = outputCount
        // Field by field: an older plugin's table may end behind them.
        let table = planned?.layer.table
        forward = table?.pointee.forward
        backward = table?.pointee.backward
        prepare = table?.pointee.prepare
        forwardRun = .allocate(capacity: 1)
        forwardRun.initialize(to: lamina_run())
        backwardRun = .allocate(capacity: 1)
        backwardRun.initialize(to: lamina_run())
    }

    /// The random stream of forward, in this training step.
    @inline(__always)
    func setRandom(_ seed: UInt64, _ step: UInt64) {
        forwardRun.pointee.random = lamina_random(seed: seed, stream: stream, offset: step << 40)
    }

    /// A call of `forward_range`; the list ends with one whose function is nil.
    struct Follower {
        var call: (@convention(c) (UnsafeMutableRawPointer?, UnsafePointer<lamina_run>?, Int64, Int64) -> Void)?
        var planned: UnsafeMutableRawPointer?
        var run: UnsafePointer<lamina_run>?
    }

    /// Has the forward of `steps` called range by range by this one's.
    func follow(_ steps: [PlanStep]) {
        followingSteps = steps
        let list = UnsafeMutablePointer<Follower>.allocate(capacity: steps.count + 1)
        for (index, step) in steps.enumerated() {
            step.follows = true
            (list + index).initialize(
                to: Follower(
                    call: step.planned?.layer.table.pointee.forward_range, planned: step.planned?.handle,
                    run: UnsafePointer(step.forwardRun)))
        }
        (list + steps.count).initialize(to: Follower())
        followers = list
        forwardRun.pointee.listeners = UnsafeRawPointer(list)
        forwardRun.pointee.finished = { listeners, begin, count in
            var next = listeners!.assumingMemoryBound(to: Follower.self)
            while let call = next.pointee.call {
                call(next.pointee.planned, next.pointee.run, begin, count)
                next += 1
            }
        }
    }

    deinit {
        followers?.deallocate()
        forwardRun.deallocate()
        backwardRun.deallocate()
    }
}
