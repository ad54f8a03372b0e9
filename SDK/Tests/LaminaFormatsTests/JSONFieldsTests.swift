import LaminaFormats
import Testing

@Suite("JSON: strict reading of objects")
struct JSONFieldsTests {
    struct File: JSONReadable, Equatable {
        var path: String
        var size: Int
        var labels: [String]?

        init(json: JSON, at path: String) throws(JSONError) {
            var fields = try JSONFields(json, at: path)
            self.path = try fields.read("path")
            size = try fields.read("size")
            labels = try fields.readIfPresent("labels")
            try fields.finish()
        }
    }

    @Test("known keys, in any order, optional ones absent")
    func reads() throws {
        let file = try File(json: ["size": 3, "path": "a"], at: "file")
        #expect(file.path == "a" && file.size == 3 && file.labels == nil)
        #expect(try File(json: ["path": "a", "size": 3, "labels": ["x", "y"]], at: "file").labels == ["x", "y"])
    }

    static let refused: [(JSON, JSONError.Kind, String)] = [
        ([["path": "a", "size": 1], ["path": "a"]], .missingKey, "files[1]: the key \"size\" is missing"),
        ([["path": 1, "size": 1]], .wrongType, "files[0].path: wanted a string, got an integer"),
        ([["path": "a", "size": 1.0]], .wrongType, "files[0].size: wanted an integer, got a number"),
        ([["path": "a", "size": nil]], .wrongType, "files[0].size: wanted an integer, got null"),
        ([["path": "a", "size": 1, "labels": nil]], .wrongType, "files[0].labels: wanted an array, got null"),
        (
            [["path": "a", "size": 1, "labels": ["x", 2]]], .wrongType,
            "files[0].labels[1]: wanted a string, got an integer"
        ),
        (
            [["path": "a", "size": 1, "sise": 2]], .unknownKey,
            "files[0]: unknown key \"sise\"; known are 'path', 'size', 'labels'"
        ),
        ([[1]], .wrongType, "files[0]: wanted an object, got an array"),
        (["path": "a"], .wrongType, "files: wanted an array, got an object"),
    ]

    @Test("anything else is refused, with its path", arguments: refused)
    func refusal(json: JSON, kind: JSONError.Kind, text: String) throws {
        let error = try #require(throws: JSONError.self) { try [File](json: json, at: "files") }
        #expect(error.kind == kind)
        #expect(error.description == text)
    }

    @Test("doubles take integers, booleans and nested objects work")
    func otherTypes() throws {
        var fields = try JSONFields(["a": 1, "b": 1.5, "c": true, "d": ["x": 1], "e": [1, "y"]], at: "")
        #expect(try fields.read("a", as: Double.self) == 1)
        #expect(try fields.read("b", as: Double.self) == 1.5)
        #expect(try fields.read("c", as: Bool.self))
        #expect(try fields.read("d", as: JSONObject.self)["x"] == 1)
        let error = try #require(throws: JSONError.self) { try fields.finish() }
        #expect(error.description == "unknown key \"e\"; known are 'a', 'b', 'c', 'd'")
        #expect(try fields.read("e", as: JSON.self) == [1, "y"])
        try fields.finish()
    }

    @Test("an object keeps order through changes, small and large", arguments: [3, 8, 9, 50])
    func objectEdits(count: Int) {
        var object = JSONObject()
        for position in 0..<count { object["k\(position)"] = .integer(Int64(position)) }
        object["k1"] = "changed"
        object["k0"] = nil
        object["new"] = true
        #expect(object.keys == (1..<count).map { "k\($0)" } + ["new"])
        #expect(object["k1"] == "changed")
        #expect(object["k0"] == nil)
        #expect(object["k\(count - 1)"] != nil)
        let isNew = object.append("new", 1)
        #expect(!isNew)
        #expect(object.count == count)
    }
}
