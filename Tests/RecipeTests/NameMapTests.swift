import Testing

@testable import LaminaRecipe

/// Name maps: which tensors of a file are which parameters.
@Suite struct NameMapTests {
    private func source(_ text: String, _ parameter: String) throws -> NameMap.Source? {
        try NameMap.parse(text, file: "m.yaml").source(of: parameter)?.source
    }

    @Test func starsStandForTheSame() throws {
        let map = """
            names:
              last.weight: end.w
              layers.*.norm.*: h.*.ln.*
              layers.*.in.weight: { transposed: { joined: [h.*.q, h.*.k] } }
              "*.bias": { either: [b.*, { transposed: c.* }] }
            """
        #expect(try source(map, "last.weight") == .tensor("end.w"))
        #expect(try source(map, "layers.11.norm.weight") == .tensor("h.11.ln.weight"))
        #expect(try source(map, "layers.0.in.weight") == .transposed(.joined([.tensor("h.0.q"), .tensor("h.0.k")])))
        #expect(try source(map, "a.b.bias") == .either([.tensor("b.a.b"), .transposed(.tensor("c.a.b"))]))
        #expect(try source(map, "last.bia") == nil)
        #expect(try NameMap.identity.source(of: "a.weight")?.source == .tensor("a.weight"))
    }

    @Test func capturesAreAsShortAsCanBe() {
        #expect(Wildcard.captures("a.*.c.*", "a.b.c.c.d") == ["b", "c.d"])
        #expect(Wildcard.captures("*x*", "axbxc") == ["a", "bxc"])
        #expect(Wildcard.captures("a*b*c", "aXbYbZc") == ["X", "YbZ"])
        #expect(Wildcard.captures("a**", "a") == ["", ""])
        #expect(Wildcard.captures("*", "") == [""])
        #expect(Wildcard.captures("ab", "ab") == [])
        #expect(Wildcard.captures("a?*", "a") == nil && Wildcard.captures("a*b", "abc") == nil)
        // A hostile pattern costs the product of the lengths.
        let text = String(repeating: "a", count: 2000)
        #expect(Wildcard.captures(String(repeating: "*a", count: 500) + "b", text) == nil)
    }

    @Test(arguments: [
        ("", "m.yaml: the name map is empty: write 'names:' with a rule per parameter"),
        ("names: {\n  a: b\n", "m.yaml:3:1: this is no YAML: "),
        ("- a", "m.yaml:1:1: the name map is a mapping with 'names', got a list"),
        ("prefixes: a", "m.yaml:1:1: the name map lacks 'names': write a rule per parameter"),
        ("names: { a: b }\nignore: c", "m.yaml:2:1: the name map has no key 'ignore'; did you mean 'ignored'?"),
        ("names: [a]", "m.yaml:1:8: 'names' is a mapping from parameters to tensors, got a list"),
        ("names:\n  a: b\n  a: c", "m.yaml:3:3: the key 'a' stands twice here, first in line 2; keep one"),
        ("names: { a: 5 }", "m.yaml:1:13: 'a': wanted a tensor's name, { transposed: NAME }, "),
        ("names: { a: }", "got nothing"),
        ("names: { a: { transpose: b } }", "m.yaml:1:15: 'a' has no key 'transpose'; did you mean 'transposed'?"),
        ("names: { a: { transposed: b, joined: [c, d] } }", "got a mapping of 2 keys"),
        ("names: { a: { joined: b } }", "'a', 'joined': wanted a list of two or more, got the text 'b'"),
        ("names: { a: { either: [b] } }", "'a', 'either': wanted a list of two or more, got a list of 1"),
        ("names: { a.*: b }", "m.yaml:1:10: 'a.*' has 1 '*', 'b' 0: each stands for what "),
        ("names: { a: { joined: [b, c.*] } }", "'a' has 0 '*', 'c.*' 1"),
        ("names: { a: b }\nignored: [x, [y]]", "m.yaml:2:14: 'ignored': wanted a name, got a list"),
        ("names: { a: b }\ncopies: [x]", "'copies' is a mapping from tensors to others, got a list"),
        ("names: { a: b }\ncopies: { x: 1 }", "'x': wanted a name, got 1"),
        ("names: { a: *b }", "'*b' is an alias, which is not taken here: put quotes around"),
    ])
    func faultsHaveAPlace(_ text: String, _ wanted: String) {
        let error = #expect(throws: RecipeError.self) { try NameMap.parse(text, file: "m.yaml") }
        #expect(error?.description.contains(wanted) == true, "\(error.map(\.description) ?? "")")
        #expect(error?.description.contains("\n") == false)
    }

    @Test func twoRulesForOneParameter() throws {
        let map = try NameMap.parse("names:\n  a.*: b.*\n  \"*.c\": d.*", file: "m.yaml")
        #expect(try map.source(of: "a.x") != nil)
        let error = #expect(throws: RecipeError.self) { try map.source(of: "a.c") }
        #expect(
            error?.description == "m.yaml:3:3: '*.c' and 'a.*' of line 2 both fit the parameter 'a.c': keep one")
    }

    @Test func aParameterWithoutARule() throws {
        let map = try NameMap.parse("names: { a.*: b.* }", file: "m.yaml")
        #expect(
            map.missingRule(for: "c.weight", [2]).description
                == "m.yaml: no rule fits the parameter 'c.weight' [2]: write one under 'names', or leave the parameter as "
                + "it begins with --new 'c.weight'")
        #expect(
            map.missingRule(for: "net.a.weight", [2]).description
                == "m.yaml: no rule fits the parameter 'net.a.weight' [2]: 'a.weight' has one, so give the recipe's layer "
                + "'net' the name \"\", or write 'net.' before the names of the map")
    }
}
