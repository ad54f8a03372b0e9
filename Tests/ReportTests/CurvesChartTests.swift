import Testing

@testable import LaminaReport

@Suite("Report: learning curves")
struct CurvesChartTests {
    private func picture(_ rows: [HistoryRow], title: String = "net") -> Picture {
        Picture(CurvesChart(HistoryTable(rows), title: title).svg)
    }

    /// The paths of lines and of markers with this colour.
    private func paths(_ picture: Picture, _ color: String) -> (lines: [String], markers: [String]) {
        let paths = picture["path"]
        return (
            paths.filter { $0.attributes["stroke"] == color }.map { $0.attributes["d"]! },
            paths.filter { $0.attributes["fill"] == color }.map { $0.attributes["d"]! }
        )
    }

    @Test("one epoch: all texts, points without lines")
    func oneEpoch() {
        let picture = picture([row(1, 0.5, [("validation_loss", 0.6), ("validation_accuracy", 0.8)])])
        #expect(
            picture.texts == [
                "net: learning curves", "1 epoch, 100 steps, 2.0 s, 500 samples/s",
                "loss", "train 0.5000", "validation 0.6000", "0.50", "0.52", "0.54", "0.56", "0.58", "0.60", "1",
                "epoch",
                "accuracy", "validation 0.8000", "0.70", "0.75", "0.80", "0.85", "0.90", "1", "epoch",
            ])
        #expect(paths(picture, "#0072B2").lines.isEmpty)
        // One in the legend, one in the diagram.
        #expect(paths(picture, "#0072B2").markers.count == 2)
        #expect(picture.cut.isEmpty)
    }

    @Test("three epochs: the line's exact points")
    func exactLine() {
        // One panel of 640: the plot runs from 24 + width("0.0") + 8 to 652, the axis from 0 to 4.
        let picture = picture([row(1, 4), row(2, 2), row(3, 1)])
        let left = 24 + TextWidth.of("0", size: 11) + 8 + 8
        let middle = NumberText.coordinate((left + 644) / 2)
        #expect(picture.texts.contains("4") && !picture.texts.contains("5"))
        #expect(paths(picture, "#0072B2").lines == ["M\(NumberText.coordinate(left)) 128L\(middle) 238L644 293"])
    }

    @Test("a gap where a value is missing or not finite; a lone point is marked")
    func gaps() {
        let values: [Double] = [3, 2, .nan, 1, .infinity, 2, 3]
        let picture = picture(values.enumerated().map { row($0 + 1, 1, [("test_loss", $1)]) })
        #expect(paths(picture, "#009E73").lines[0].filter { $0 == "M" }.count == 2)
        #expect(paths(picture, "#009E73").lines[0].filter { $0 == "L" }.count == 2)
        #expect(picture.texts.contains("test 3.000 (lowest 1.000 in epoch 4)"))

        var long = (1...400).map { row($0, 1) }
        long[7].values = [("test_accuracy", 0.5)]
        let sparse = Picture(CurvesChart(HistoryTable(long), title: "").svg)
        #expect(paths(sparse, "#009E73").lines.isEmpty && paths(sparse, "#009E73").markers.count == 1)
    }

    @Test("a training loss that is not measured has no curve, one that has diverged has")
    func noTrainingLoss() {
        let game = picture([row(1, .nan, [("generator_loss", 0.8)]), row(2, .nan, [("generator_loss", 0.7)])])
        #expect(game.texts.contains("generator loss 0.7000") && !game.texts.contains("train NaN"))
        let diverged = picture([row(1, .nan, [("validation_loss", .nan)])])
        #expect(diverged.texts.contains("train NaN") && diverged.texts.contains("validation NaN"))
    }

    @Test("no epoch gives an empty diagram")
    func noEpoch() {
        let picture = picture([], title: "")
        #expect(picture.texts.starts(with: ["learning curves", "no epoch yet", "loss", "train"]))
    }

    @Test("a thousand epochs have lines without markers, a hundred thousand are thinned but keep their peak")
    func manyEpochs() {
        let thousand = picture((1...1000).map { row($0, 1 / Double($0)) })
        #expect(paths(thousand, "#0072B2").markers.isEmpty)
        #expect(paths(thousand, "#0072B2").lines[0].filter { $0 == "L" }.count == 999)
        #expect(thousand.texts.contains("loss (log scale)"))
        let many = (1...100_000).map { row($0, $0 == 4711 ? 5 : 1 + Double($0 % 2) / 10) }
        let line = paths(picture(many), "#0072B2").lines[0]
        #expect((1000...3000).contains(line.filter { $0 == "L" }.count))
        // The top of the plot, where the peak is.
        #expect(line.contains(" 128L"))
    }

    @Test("measures with one stem share a panel; beyond eight curves a second one follows; the schedule comes last")
    func panels() {
        let classes = (0..<10).map { (name: "test_f1_class_\($0)", value: 0.5) }
        let rows = (1...2).map { row($0, 1, [("test_f1", 0.5)] + classes + [("r2", 0.1)], factor: 1 / Double($0)) }
        let picture = picture(rows)
        let titles = picture["text"].filter { $0.attributes["font-weight"] != nil }.map(\.content)
        #expect(titles == ["net: learning curves", "loss", "f1 (1)", "f1 (2)", "r2", "learning rate factor"])
        #expect(picture.texts.contains("test class 9 0.5000") && picture.texts.contains("r2 0.1000"))
        #expect(picture.cut.isEmpty)
    }

    @Test("panels end at twelve, and the picture says so")
    func tooManyPanels() {
        let picture = picture([row(1, 1, (0..<20).map { ("m\($0)x", 1) })])
        #expect(picture.texts[1].hasSuffix("; 9 more panels' values are in the history"))
        #expect(picture.texts.filter { $0 == "epoch" }.count == 12)
    }

    @Test("names are escaped, and cut where they are too long")
    func names() {
        let picture = picture(
            [row(1, 1, [("test_<&\"'\u{1}>", 1), ("test_" + String(repeating: "wide ", count: 40), 1)])],
            title: "a & b < c " + String(repeating: "name ", count: 60))
        #expect(picture.texts[0].hasPrefix("a & b < c name") && picture.texts[0].hasSuffix("…: learning curves"))
        #expect(picture.texts.contains("<&\"'\u{FFFD}>"))
        #expect(picture["title"][0].content.hasSuffix("name : learning curves"))
        #expect(picture.cut.isEmpty)
    }

    @Test("any history whatever gives a well-formed picture with its texts inside")
    func anything() {
        for seed in UInt64(0)..<300 {
            var random = Random(seed)
            let names = (0..<Int.random(in: 0...5, using: &random)).map {
                ["test_loss", "test_m", "é", "", "validation_"][$0]
            }
            let rows = (0..<Int.random(in: 0...30, using: &random)).map { index in
                HistoryRow(
                    epoch: seed % 4 == 0 ? Int(truncatingIfNeeded: random.next()) : index, step: random.next(),
                    trainLoss: Double(bitPattern: random.next()),
                    values: names.filter { _ in Bool.random(using: &random) }.map {
                        ($0, Double(bitPattern: random.next()))
                    },
                    learningRateFactor: Double(bitPattern: random.next()), seconds: Double(bitPattern: random.next()),
                    samplesPerSecond: Double(bitPattern: random.next()))
            }
            let picture = picture(rows, title: "seed \(seed)")
            // Epochs of nineteen digits may stand out.
            #expect(picture.cut.isEmpty || seed % 4 == 0, "seed \(seed): \(picture.cut)")
            #expect(picture["path"].allSatisfy { !$0.attributes["d"]!.contains("n") }, "seed \(seed): nan or inf")
        }
    }
}
