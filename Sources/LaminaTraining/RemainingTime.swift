/// How long a run still takes, from how far it has come since it was watched: what a resumed run had behind it before took
/// none of the time.
public struct RemainingTime {
    private var begin: (done: Double, time: Double)?

    public init() {}

    /// Seconds that are left; the first call tells where the run begins.
    ///
    /// - Parameters:
    ///   - done: of 1.
    ///   - time: in seconds, on any clock.
    ///   - least: how much has to be done for an estimate.
    /// - Returns: nil: too little was done to tell.
    public mutating func left(done: Double, at time: Double, least: Double = 0) -> Double? {
        guard let begin, begin.done <= done else {
            begin = (done, time)
            return nil
        }
        let part = done - begin.done
        return part > least ? (time - begin.time) * max(0, 1 - done) / part : nil
    }
}
