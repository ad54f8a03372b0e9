import CLamina
import Glibc
import LaminaSDK

/// Symbolic dimensions: polynomials over named symbols, and quotients that do not come out even.
///
/// Polynomials are kept in a normal form, so that equal ones are one symbol: (N + 1) · 2 is N · 2 + 2.
struct SymbolTable {
    /// What polynomials are made of; its position in `atoms` is its id.
    private enum Atom: Hashable {
        case name(String)
        case quotient(Polynomial, Polynomial)
    }

    /// Coefficients by monomial, a sorted list of atom ids; the empty list is the constant term.
    private struct Polynomial: Hashable {
        var terms: [[Int]: Int64]

        init(_ terms: [[Int]: Int64]) { self.terms = terms.filter { $0.value != 0 } }
        init(_ constant: Int64) { self.init([[]: constant]) }

        var constant: Int64? { terms.isEmpty ? 0 : terms.count == 1 ? terms[[]] : nil }
    }

    private var atoms: [Atom] = []
    /// The polynomial behind symbol -1 - index.
    private var expressions: [Polynomial] = []
    private var indices: [Polynomial: Int] = [:]
    private var texts: [Int64: UnsafeMutablePointer<CChar>] = [:]

    /// The symbol of this name.
    mutating func symbol(_ name: String) -> Int64 { intern(Polynomial([[atom(.name(name))]: 1])) }

    /// The result of `operation`, or INT64_MIN when it is no dimension.
    mutating func compute(_ operation: Int32, _ left: Int64, _ right: Int64) -> Int64 {
        guard let a = polynomial(left), let b = polynomial(right) else { return .min }
        let result: Polynomial? =
            switch operation {
            case LAMINA_DIMENSION_ADD: Self.combine(a, b, +1)
            case LAMINA_DIMENSION_SUBTRACT: Self.combine(a, b, -1)
            case LAMINA_DIMENSION_MULTIPLY: Self.product(a, b)
            case LAMINA_DIMENSION_FLOOR_DIVIDE: quotient(a, b)
            default: nil
            }
        guard let result else { return .min }
        return intern(result)
    }

    /// The value of a dimension when the named symbols have these values; nil when it is no dimension.
    func evaluate(_ dimension: Int64, _ values: [String: Int64]) -> Int64? {
        polynomial(dimension).flatMap { value($0, values) }.flatMap { $0 >= 0 ? $0 : nil }
    }

    /// The text of a dimension; freed never, as tests are short.
    mutating func permanentText(_ dimension: Int64) -> UnsafeMutablePointer<CChar> {
        if let text = texts[dimension] { return text }
        let text = strdup(polynomial(dimension).map(text) ?? "no dimension")!
        texts[dimension] = text
        return text
    }

    private func polynomial(_ dimension: Int64) -> Polynomial? {
        if dimension >= 0 { return Polynomial(dimension) }
        guard dimension > -1 - Int64(expressions.count) else { return nil }
        return expressions[Int(-1 - dimension)]
    }

    private mutating func intern(_ polynomial: Polynomial) -> Int64 {
        if let constant = polynomial.constant { return constant >= 0 ? constant : .min }
        if let index = indices[polynomial] { return -1 - Int64(index) }
        expressions.append(polynomial)
        indices[polynomial] = expressions.count - 1
        return -Int64(expressions.count)
    }

    private mutating func atom(_ atom: Atom) -> Int {
        if let index = atoms.firstIndex(of: atom) { return index }
        atoms.append(atom)
        return atoms.count - 1
    }

    private static func combine(_ a: Polynomial, _ b: Polynomial, _ sign: Int64) -> Polynomial? {
        var terms = a.terms
        for (monomial, coefficient) in b.terms {
            let (sum, overflow) = (terms[monomial] ?? 0).addingReportingOverflow(sign * coefficient)
            if overflow { return nil }
            terms[monomial] = sum
        }
        return Polynomial(terms)
    }

    private static func product(_ a: Polynomial, _ b: Polynomial) -> Polynomial? {
        var result = Polynomial(0)
        for (left, x) in a.terms {
            for (right, y) in b.terms {
                let (coefficient, overflow) = x.multipliedReportingOverflow(by: y)
                guard !overflow, let sum = combine(result, Polynomial([(left + right).sorted(): coefficient]), 1) else {
                    return nil
                }
                result = sum
            }
        }
        return result
    }

    /// ⌊a / b⌋. With a constant divisor every term that comes out even leaves the quotient.
    private mutating func quotient(_ a: Polynomial, _ b: Polynomial) -> Polynomial? {
        if let divisor = b.constant {
            guard divisor > 0 else { return nil }
            var whole: [[Int]: Int64] = [:]
            var rest: [[Int]: Int64] = [:]
            for (monomial, coefficient) in a.terms {
                let remainder = ((coefficient % divisor) + divisor) % divisor
                if remainder == 0 || monomial.isEmpty {
                    whole[monomial] = (coefficient - remainder) / divisor
                    if remainder != 0 { rest[monomial] = remainder }
                } else {
                    rest[monomial] = coefficient
                }
            }
            let (even, odd) = (Polynomial(whole), Polynomial(rest))
            if odd.constant != nil { return even }
            return Self.combine(even, Polynomial([[atom(.quotient(odd, b))]: 1]), 1)
        }
        if a == b { return Polynomial(1) }
        if let exact = Self.divideByTerm(a, b) { return exact }
        return Polynomial([[atom(.quotient(a, b))]: 1])
    }

    /// a / b when b is one term that divides every term of a.
    private static func divideByTerm(_ a: Polynomial, _ b: Polynomial) -> Polynomial? {
        guard b.terms.count == 1, let (divisor, factor) = b.terms.first else { return nil }
        var terms: [[Int]: Int64] = [:]
        for (monomial, coefficient) in a.terms {
            var rest = monomial
            for atom in divisor {
                guard let position = rest.firstIndex(of: atom) else { return nil }
                rest.remove(at: position)
            }
            guard coefficient % factor == 0 else { return nil }
            terms[rest] = coefficient / factor
        }
        return Polynomial(terms)
    }

    private func value(_ polynomial: Polynomial, _ values: [String: Int64]) -> Int64? {
        var sum: Int64 = 0
        for (monomial, coefficient) in polynomial.terms {
            var product = coefficient
            for index in monomial {
                let factor: Int64
                switch atoms[index] {
                case .name(let name):
                    guard let value = values[name] else { return nil }
                    factor = value
                case .quotient(let a, let b):
                    guard let a = value(a, values), let b = value(b, values), b > 0 else { return nil }
                    factor = a >= 0 ? a / b : -((-a + b - 1) / b)
                }
                product *= factor
            }
            sum += product
        }
        return sum
    }

    private func text(_ polynomial: Polynomial) -> String {
        polynomial.terms.sorted { ($0.key.count, $1.value) > ($1.key.count, $0.value) }
            .map { monomial, coefficient in
                let factors = monomial.map { index in
                    switch atoms[index] {
                    case .name(let name): name
                    case .quotient(let a, let b): "((\(text(a)))/(\(text(b))))"
                    }
                }
                let number = coefficient == 1 && !factors.isEmpty ? [] : ["\(coefficient)"]
                return (factors + number).joined(separator: "·")
            }.joined(separator: " + ")
    }
}

extension TestHost {
    /// A symbolic dimension of this name, as `infer` gets it for the batch size.
    public func symbol(_ name: String) -> Dimension { Dimension(state.withLock { $0.symbols.symbol(name) }) }

    /// What a dimension is when the symbols have these values; nil when it then is no dimension.
    public func value(of dimension: Dimension, where values: [String: Int]) -> Int? {
        state.withLock { $0.symbols.evaluate(dimension.value, values.mapValues(Int64.init)) }.map { Int($0) }
    }
}
