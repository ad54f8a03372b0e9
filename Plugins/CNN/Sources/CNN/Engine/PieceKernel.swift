/// What computes a piece.
enum PieceKernel {
    case primitive(PrimitiveCall)
    case winograd(WinogradCall)
    case columns(ColumnSums)

    func check() throws {
        switch self {
        case .primitive(let call): try call.check()
        case .winograd(let call): try call.check()
        case .columns(let call): try call.check()
        }
    }

    /// For benchmarks.
    var name: String {
        switch self {
        case .primitive(let call): call.primitive.implementation
        case .winograd: "winograd"
        case .columns: "columns"
        }
    }
}
