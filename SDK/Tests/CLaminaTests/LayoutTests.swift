import CLamina
import CLaminaLayout
import Foundation
import Testing

/// The layout of version 1.0 still holds, and its table misses nothing. The figures themselves are asserted when
/// CLaminaLayout is compiled, as C11 and as C++17.
@Suite struct LayoutTests {
    struct Entry: Equatable {
        let structure: String
        let field: String?
        let offset: Int64
        let size: Int64
        let isFrozen: Bool
    }

    func entries(_ table: (UnsafeMutablePointer<Int64>?) -> UnsafePointer<lamina_layout_entry>?) -> [Entry] {
        var count: Int64 = 0
        let first = table(&count)!
        return (0..<Int(count)).map { index in
            let entry = first[index]
            return Entry(
                structure: String(cString: entry.structure), field: entry.field.map { String(cString: $0) },
                offset: entry.offset, size: entry.size, isFrozen: entry.is_frozen != 0)
        }
    }

    @Test func bothLanguagesAgree() {
        #expect(entries(lamina_layout_c11) == entries(lamina_layout_cxx17))
    }

    /// Fields tile their struct: one that the tables lack would leave a hole or an end that is none, hidden padding too. The
    /// table of 1.1 goes on with structs of 1.0.
    @Test func fieldsLeaveNoHole() {
        let all = entries(lamina_layout_c11)
        var ends: [String: Int64] = [:]
        for entry in all {
            guard let field = entry.field else {
                ends[entry.structure] = 0
                continue
            }
            #expect(
                entry.offset == ends[entry.structure],
                "\(entry.structure).\(field) follows a hole or a field that is not listed")
            ends[entry.structure] = entry.offset + entry.size
        }
        for entry in all where entry.field == nil {
            let end = ends[entry.structure]!
            #expect(end == entry.size, "\(entry.structure) has more fields than the tables")
            #expect(end % 8 == 0 || entry.structure == "lamina_dtype", "\(entry.structure) ends within a word")
        }
    }

    /// Every struct of the headers is in the table.
    @Test func theTableIsComplete() throws {
        let listed = Set(entries(lamina_layout_c11).map(\.structure))
        var declared: Set<String> = []
        for header in try Headers.all() {
            let text = try String(contentsOf: header, encoding: .utf8)
            for match in text.matches(of: /struct (lamina_\w+) \{/) { declared.insert(String(match.1)) }
        }
        #expect(declared.count >= 20)
        #expect(listed == declared)
    }

    @Test func swiftSeesTheSameSizes() {
        let sizes = Dictionary(
            uniqueKeysWithValues: entries(lamina_layout_c11).filter { $0.field == nil }.map { ($0.structure, $0.size) })
        #expect(sizes["lamina_tensor"] == Int64(MemoryLayout<lamina_tensor>.size))
        #expect(sizes["lamina_host"] == Int64(MemoryLayout<lamina_host>.size))
        #expect(sizes["lamina_layer"] == Int64(MemoryLayout<lamina_layer>.size))
        #expect(sizes["lamina_run"] == Int64(MemoryLayout<lamina_run>.size))
        #expect(MemoryLayout<lamina_tensor>.stride == 64)
    }
}
