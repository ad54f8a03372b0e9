import LaminaFormats
import Testing

@testable import LaminaReport

@Suite("Report: the history as a table")
struct HistoryTableTests {
    static let rows = [
        HistoryRow(
            epoch: 1, step: 844, trainLoss: 0.5, values: [("validation_loss", 0.1), ("validation_accuracy", 0.9132)],
            learningRateFactor: 1, seconds: 12.25, samplesPerSecond: 4408.163265306122),
        HistoryRow(
            epoch: 2, step: 1688, trainLoss: 1e-7, values: [("validation_loss", .nan), ("validation_f1", 2)],
            learningRateFactor: 0.5, seconds: 3, samplesPerSecond: .infinity),
    ]

    @Test("CSV: a column per name ever seen, empty where missing, shortest numbers")
    func csv() {
        #expect(
            HistoryTable(Self.rows).csv == """
                epoch,step,train_loss,validation_loss,validation_accuracy,validation_f1,learning_rate_factor,seconds,\
                samples_per_second
                1,844,0.5,0.1,0.9132,,1.0,12.25,4408.163265306122
                2,1688,1e-07,nan,,2.0,0.5,3.0,inf

                """)
    }

    @Test("CSV of no epoch is the header")
    func empty() {
        #expect(HistoryTable([]).csv == "epoch,step,train_loss,learning_rate_factor,seconds,samples_per_second\n")
        #expect(HistoryTable([]).jsonLines == "")
    }

    @Test("a loss that no epoch has is no column")
    func withoutLoss() {
        let rows = [row(1, .nan, [("d_real", 0.5)]), row(2, .nan, [("d_real", 0.25)])]
        let csv = HistoryTable(rows).csv
        #expect(csv.hasPrefix("epoch,step,d_real,learning_rate_factor"))
        #expect(!csv.contains("nan"))
        #expect(!HistoryTable(rows).jsonLines.contains("train_loss"))
        #expect(HistoryTable(rows + [row(3, 0.5, [])]).csv.contains("\n1,100,nan,0.5,"))
    }

    @Test("JSON lines: an object per epoch, null for what JSON cannot say")
    func jsonLines() throws {
        let text = HistoryTable(Self.rows).jsonLines
        #expect(
            text == """
                {"epoch":1,"step":844,"train_loss":0.5,"validation_loss":0.1,"validation_accuracy":0.9132,\
                "learning_rate_factor":1.0,"seconds":12.25,"samples_per_second":4408.163265306122}
                {"epoch":2,"step":1688,"train_loss":1e-07,"validation_loss":null,"validation_f1":2.0,\
                "learning_rate_factor":0.5,"seconds":3.0,"samples_per_second":null}

                """)
        for line in text.split(separator: "\n") { _ = try JSON.parse(Array(line.utf8)) }
    }

    @Test("RFC 4180: fields with commas, quotes and line breaks stand in quotes")
    func quoting() {
        let table = HistoryTable([
            row(1, 0, [("a,b", 1), ("say \"a\"", 2), ("two\nlines", 3), ("c\r\nd", 4), ("é", 5)])
        ])
        #expect(
            table.csv.hasPrefix(
                "epoch,step,train_loss,\"a,b\",\"say \"\"a\"\"\",\"two\nlines\",\"c\r\nd\",é,learning_rate"))
    }

    @Test("a name that is taken gets a number, the same in every row")
    func repeatedNames() {
        let values: [(name: String, value: Double)] = [
            ("test_f1", 1), ("test_f1", 2), ("seconds", 3), ("test_f1_2", 4),
        ]
        let table = HistoryTable([row(1, 0, values), row(2, 0, values)])
        #expect(table.columns.map(\.name) == ["test_f1", "test_f1_2", "seconds_2", "test_f1_2_2"])
        #expect(table.columns.map { $0.values[1] } == [1, 2, 3, 4])
        #expect(table.jsonLines.split(separator: "\n").count == 2)
    }

    @Test("a column's name is data and measure")
    func measureNames() {
        let name = MeasureName("validation_top_5_accuracy")
        #expect(name.data == "validation" && name.measure == "top_5_accuracy" && !name.isLoss)
        #expect(MeasureName("test_loss").isLoss && MeasureName("generator_loss").isLoss)
        #expect(MeasureName("generator_loss").data == "" && MeasureName("test_").measure == "test_")
        #expect(!MeasureName("test_lossless").isLoss)
    }
}
