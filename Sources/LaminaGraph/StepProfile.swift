import Glibc

/// The time that every call of a plan took, summed over its runs.
///
/// Reading the clock twice per call costs some 50 ns, so a profile says where time goes and not how long a step takes.
public final class StepProfile {
    /// Seconds per row of `Plan.nodeReports`, over all runs since the profile was made.
    public private(set) var forward: [Double]
    public private(set) var backward: [Double]

    public init(_ plan: Plan) {
        forward = Array(repeating: 0, count: plan.nodeReports.count)
        backward = forward
    }

    func time(forward index: Int, _ body: () throws(GraphError) -> Void) throws(GraphError) {
        let begin = Self.now
        try body()
        forward[index] += Self.now - begin
    }

    func time(backward index: Int, _ body: () throws(GraphError) -> Void) throws(GraphError) {
        let begin = Self.now
        try body()
        backward[index] += Self.now - begin
    }

    private static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
