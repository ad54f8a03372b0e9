import Testing

@testable import LaminaReport

@Suite("Report: confusion matrix")
struct ConfusionChartTests {
    private func picture(_ classes: [String], _ counts: [Double], title: String = "net") throws -> Picture {
        Picture(ConfusionChart(try #require(ConfusionMatrix(classes: classes, counts: counts)), title: title).svg)
    }

    @Test("two classes: all texts in order")
    func texts() throws {
        let picture = try picture(["cat", "dog & <hound>"], [90, 10, 0, 100])
        #expect(
            picture.texts == [
                "net: 95.00% accuracy", "190 of 200 samples right; percentages are of the true class",
                "90", "90.0%", "10", "10.0%", "100", "100.0%",
                "cat", "cat", "dog & <hound>", "dog & <hound>", "predicted class", "true class",
                "right", "wrong", "0%", "25%", "50%", "75%", "100%",
            ])
        #expect(picture.cut.isEmpty)
    }

    @Test("blue on the diagonal, orange beside it, darker with the share")
    func colors() throws {
        let picture = try picture(["a", "b"], [100, 0, 25, 75])
        let fills = picture["rect"].compactMap { $0.attributes["fill"] }.filter { $0.hasPrefix("#") && $0 != "#ffffff" }
        #expect(fills == ["#08306b", "#fd8d3c", "#155393"])
        #expect(ColorScale.text(ColorScale.right.color(0)) == "#ffffff")
        #expect(ColorScale.ink(on: ColorScale.right.color(1)) == "#ffffff")
        #expect(ColorScale.ink(on: ColorScale.wrong.color(0.02)) == "#1a1a1a")
    }

    @Test("names are level where they fit, else slanted, else upright")
    func angles() throws {
        func angles(_ size: Int, _ name: String) throws -> Set<String> {
            let counts = (0..<size * size).map { $0 % (size + 1) == 0 ? 5.0 : 0 }
            let picture = try picture(Array(repeating: name, count: size), counts)
            let names = picture["text"].filter { $0.content == name && $0.attributes["transform"] != nil }
            return Set(names.map { String($0.attributes["transform"]!.dropFirst(7).prefix { $0 != " " }) })
        }
        #expect(try angles(10, "Bag") == [])
        #expect(try angles(10, "Ankle boot") == ["-45"])
        #expect(try angles(40, "Ankle boot") == ["-90"])
        #expect(try angles(100, "Ankle boot") == ["-90"])
    }

    @Test("numbers hide where cells are too small", arguments: [(10, true), (20, true), (40, false), (100, false)])
    func numbers(size: Int, areShown: Bool) throws {
        let counts = (0..<size * size).map { $0 % (size + 1) == 0 ? 777.0 : 0 }
        let picture = try picture((0..<size).map { "c\($0)" }, counts)
        #expect(picture.texts.filter { $0 == "777" }.count == (areShown ? size : 0))
        #expect(picture.texts.filter { $0 == "100.0%" }.count == (size == 10 ? size : 0))
        #expect(picture.texts.filter { $0 == "c\(size - 1)" }.count == 2)
        #expect(picture.cut.isEmpty)
    }

    @Test("more classes than lines of text have every so many names")
    func manyClasses() throws {
        let size = 250
        let picture = try picture([], (0..<size * size).map { Double($0 % 7 / 6) })
        #expect(picture.texts.filter { $0 == "6" }.count == 2 && !picture.texts.contains("7"))
        #expect(picture.width < 1200)
    }

    @Test("no samples, one class, weights, counts that are none")
    func edges() throws {
        #expect(try picture(["a", "b"], [0, 0, 0, 0]).texts[0] == "net: no samples")
        #expect(try picture(["only"], [3], title: "").texts[0] == "100.00% accuracy")
        #expect(try picture(["a", "b"], [0.25, 0.25, 0, 0.5]).texts.contains("0.2500"))
        #expect(ConfusionMatrix(classes: [], counts: []) == nil)
        #expect(ConfusionMatrix(classes: ["a", "b"], counts: [1, 2, 3]) == nil)
        let odd = try #require(ConfusionMatrix(classes: ["a"], counts: [-1, .nan, .infinity, 2]))
        #expect(odd.counts == [0, 0, 1e15, 2] && odd.classes == ["a", "1"])
        #expect(try picture(["", "\u{0}"], [1e300, 5, 1, 1e-300]).cut.isEmpty)
    }

    @Test("the true class is the row")
    func rows() throws {
        let matrix = try #require(ConfusionMatrix(classes: ["a", "b"], counts: [3, 1, 0, 4]))
        #expect(matrix.shares == [0.75, 0.25, 0, 1] && matrix.accuracy == 7.0 / 8)
        let picture = try picture(["a", "b"], [0, 7, 0, 0])
        let cell = try #require(picture["rect"].first { $0.attributes["fill"] == "#7f2704" })
        let diagonal = picture["rect"].filter { $0.attributes["stroke"] == "#08306b" }
        #expect(cell.number("y") == diagonal[0].number("y") && cell.number("x") == diagonal[1].number("x"))
    }
}
