/// Sums of sizes that come from files and plugins: what no machine has is an error, not an overflow.
enum ByteCount {
    /// Far above any machine's memory, and far enough below Int.max to be rounded and added to.
    static let maximum = 1 << 60

    static func product(_ count: Int, _ size: Int, _ purpose: String) throws(GraphError) -> Int {
        let (value, overflow) = count.multipliedReportingOverflow(by: size)
        guard !overflow, value <= maximum else {
            throw GraphError(.memory, "\(purpose) would take more than 2^60 bytes: make it smaller")
        }
        return value
    }

    static func sum(_ sizes: some Sequence<Int>, _ purpose: String) throws(GraphError) -> Int {
        var total = 0
        for size in sizes {
            let (value, overflow) = total.addingReportingOverflow(size)
            guard !overflow, value <= maximum else {
                throw GraphError(
                    .memory, "\(purpose) would take more than 2^60 bytes: make the model or the batch smaller")
            }
            total = value
        }
        return total
    }
}
