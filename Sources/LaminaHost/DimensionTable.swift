import CLamina
import Synchronization

/// The symbols behind negative dimensions: named ones (N, T) and expressions of them, each stored once.
///
/// Expressions are kept as polynomials over atoms, so that equal ones are equal numbers: (N + 1)·2 − 2 is 2·N. A
/// floor division that does not come out even is an atom of its own.
public final class DimensionTable: Sendable {
    /// A product of atoms (sorted, with repetition) to its integer coefficient. The empty product is the constant.
    typealias Polynomial = [[Int]: Int64]

    private enum Atom: Hashable {
        case name(String)
        case quotient(numerator: [[Int]: Int64], denominator: [[Int]: Int64])
    }

    /// Larger expressions are refused: nested ones would take exponential time and deep recursion to evaluate.
    private static let maximumWeight = 1024

    private struct State {
        var atoms: [Atom] = []
        /// How many atoms each one holds when it is written out, itself included.
        var weights: [Int] = []
        var atomIndex: [Atom: Int] = [:]
        var symbols: [Polynomial] = []
        var symbolIndex: [Polynomial: Int64] = [:]

        mutating func atom(_ atom: Atom) -> Int {
            if let index = atomIndex[atom] { return index }
            atoms.append(atom)
            switch atom {
            case .name: weights.append(1)
            case .quotient(let numerator, let denominator): weights.append(1 + weight(numerator) + weight(denominator))
            }
            atomIndex[atom] = atoms.count - 1
            return atoms.count - 1
        }

        /// Atoms of an expression, written out.
        func weight(_ polynomial: Polynomial) -> Int {
            polynomial.keys.reduce(0) { $1.reduce($0) { $0 + weights[$1] } }
        }

        mutating func dimension(_ polynomial: Polynomial) -> Int64 {
            let terms = polynomial.filter { $0.value != 0 }
            if terms.isEmpty { return 0 }
            if terms.count == 1, let constant = terms[[]] { return constant < 0 ? .min : constant }
            if let known = symbolIndex[terms] { return known }
            guard weight(terms) <= DimensionTable.maximumWeight else { return .min }
            symbols.append(terms)
            let dimension = -Int64(symbols.count)
            symbolIndex[terms] = dimension
            return dimension
        }

        func polynomial(_ dimension: Int64) -> Polynomial? {
            if dimension >= 0 { return dimension == 0 ? [:] : [[]: dimension] }
            guard dimension >= -Int64(symbols.count) else { return nil }
            return symbols[Int(-dimension) - 1]
        }
    }

    private let state = Mutex(State())

    public init() {}

    /// The symbol of a name: the same number for the same name.
    public func symbol(_ name: String) -> Int64 {
        state.withLock { state in
            let atom = state.atom(.name(name))
            return state.dimension([[atom]: 1])
        }
    }

    /// See `lamina_host.dimension`; .min when the result is no dimension.
    public func compute(_ operation: Int32, _ left: Int64, _ right: Int64) -> Int64 {
        state.withLock { state in
            guard let a = state.polynomial(left), let b = state.polynomial(right) else { return .min }
            switch operation {
            case LAMINA_DIMENSION_ADD: return Self.sum(a, b, sign: 1).map { state.dimension($0) } ?? .min
            case LAMINA_DIMENSION_SUBTRACT: return Self.sum(a, b, sign: -1).map { state.dimension($0) } ?? .min
            case LAMINA_DIMENSION_MULTIPLY: return Self.product(a, b).map { state.dimension($0) } ?? .min
            case LAMINA_DIMENSION_FLOOR_DIVIDE:
                if let even = Self.evenQuotient(a, b) { return state.dimension(even) }
                if b.isEmpty { return .min }
                if let x = a[[]], let y = b[[]], a.count == 1, b.count == 1 { return x >= 0 && y > 0 ? x / y : .min }
                let atom = state.atom(.quotient(numerator: a, denominator: b))
                return state.dimension([[atom]: 1])
            default: return .min
            }
        }
    }

    private static func sum(_ a: Polynomial, _ b: Polynomial, sign: Int64) -> Polynomial? {
        var result = a
        for (term, coefficient) in b {
            let (signed, overflow) = coefficient.multipliedReportingOverflow(by: sign)
            let (total, overflow2) = (result[term] ?? 0).addingReportingOverflow(signed)
            if overflow || overflow2 { return nil }
            result[term] = total
        }
        return result.filter { $0.value != 0 }
    }

    private static func product(_ a: Polynomial, _ b: Polynomial) -> Polynomial? {
        var result: Polynomial = [:]
        for (left, x) in a {
            for (right, y) in b {
                let (value, overflow) = x.multipliedReportingOverflow(by: y)
                let term = (left + right).sorted()
                let (total, overflow2) = (result[term] ?? 0).addingReportingOverflow(value)
                if overflow || overflow2 { return nil }
                result[term] = total
            }
        }
        return result.filter { $0.value != 0 }
    }

    /// a / b when b is one term that divides every term of a.
    private static func evenQuotient(_ a: Polynomial, _ b: Polynomial) -> Polynomial? {
        guard b.count == 1, let (divisor, coefficient) = b.first, coefficient != 0 else { return nil }
        var result: Polynomial = [:]
        for (term, value) in a {
            let (quotient, overflow) = value.dividedReportingOverflow(by: coefficient)
            guard !overflow, quotient &* coefficient == value else { return nil }
            var rest = term
            for atom in divisor {
                guard let index = rest.firstIndex(of: atom) else { return nil }
                rest.remove(at: index)
            }
            result[rest] = quotient
        }
        return result
    }

    /// The value of a dimension when the named symbols have the given values; nil when one is unknown or the result
    /// is no dimension.
    public func evaluate(_ dimension: Int64, _ values: [String: Int64]) -> Int64? {
        if dimension >= 0 { return dimension }
        return state.withLock { state in
            state.polynomial(dimension).flatMap { Self.evaluate($0, state.atoms, values) }
        }.flatMap { $0 >= 0 ? $0 : nil }
    }

    private static func evaluate(_ polynomial: Polynomial, _ atoms: [Atom], _ values: [String: Int64]) -> Int64? {
        var total: Int64 = 0
        for (term, coefficient) in polynomial {
            var product = coefficient
            for index in term {
                let factor: Int64?
                switch atoms[index] {
                case .name(let name): factor = values[name]
                case .quotient(let numerator, let denominator):
                    guard let top = evaluate(numerator, atoms, values),
                        let bottom = evaluate(denominator, atoms, values), bottom > 0
                    else { return nil }
                    factor = top >= 0 ? top / bottom : nil
                }
                guard let factor else { return nil }
                let (value, overflow) = product.multipliedReportingOverflow(by: factor)
                if overflow { return nil }
                product = value
            }
            let (sum, overflow) = total.addingReportingOverflow(product)
            if overflow { return nil }
            total = sum
        }
        return total
    }

    /// "32", "N", "2·N + 1": for people.
    public func text(_ dimension: Int64) -> String {
        if dimension >= 0 { return "\(dimension)" }
        return state.withLock { state in
            state.polynomial(dimension).map { Self.text($0, state.atoms) } ?? "?"
        }
    }

    private static func text(_ polynomial: Polynomial, _ atoms: [Atom]) -> String {
        let terms = polynomial.sorted { ($0.key.count, $1.key) > ($1.key.count, $0.key) }
        var result = ""
        for (term, coefficient) in terms {
            let names = term.map { index in
                switch atoms[index] {
                case .name(let name): name
                case .quotient(let numerator, let denominator):
                    "⌊(\(text(numerator, atoms))) / \(text(denominator, atoms))⌋"
                }
            }
            let size = coefficient.magnitude
            let factors = (size == 1 && !names.isEmpty ? [] : ["\(size)"]) + names
            let sign = result.isEmpty ? (coefficient < 0 ? "-" : "") : (coefficient < 0 ? " - " : " + ")
            result += sign + factors.joined(separator: "·")
        }
        return result.isEmpty ? "0" : result
    }
}

/// Sorts terms: more atoms first, then by the atoms' numbers.
private func > (left: (Int, [Int]), right: (Int, [Int])) -> Bool {
    if left.0 != right.0 { return left.0 > right.0 }
    return left.1.lexicographicallyPrecedes(right.1) == false && left.1 != right.1
}
