/// A model that says which token comes next: tokens in, a row of logits per beginning out, step by step.
///
/// Rows are beginnings side by side, of equal length. A step may leave rows out or take several for one, so that a search
/// follows the best of them.
public protocol StepModel: AnyObject {
    /// Logits per row; known after the first step.
    var vocabulary: Int { get }

    /// - Parameters:
    ///   - tokens: those that each row goes on with, as many for every row: a whole text to begin with, then one at a time.
    ///   - rows: which row of the step before each row continues; at first the number of its sentence.
    /// - Returns: logits of the token behind each row, [rows, vocabulary]; valid until the next step.
    func step(_ tokens: [[Int64]], continuing rows: [Int]) throws -> UnsafePointer<Float>

    /// Attention of the last step's row to the source; empty when there is none.
    func weights(_ row: Int) -> [Float]
}

extension StepModel {
    public func weights(_ row: Int) -> [Float] { [] }

    /// A step of one token per row.
    public func step(_ tokens: [Int64], continuing rows: [Int]) throws -> UnsafePointer<Float> {
        try step(tokens.map { [$0] }, continuing: rows)
    }
}
