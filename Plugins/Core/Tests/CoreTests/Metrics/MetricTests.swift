import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import Core

@Suite struct MetricTests {
    private func metric(_ name: String, _ attributes: JSONObject = [:]) throws -> MetricHarness {
        try MetricHarness(try #require(CoreCatalogue.metrics.first { $0.name == name }), attributes)
    }

    private func value(_ result: [MetricResult], _ name: String = "") throws -> Double {
        for case .value(name, let value) in result { return value }
        throw Missing(name: name)
    }
    private struct Missing: Error { let name: String }

    private func tensor(_ json: JSON?) throws -> TensorValue {
        let json = try #require(json)
        let shape = try [Int](json: #require(json["shape"]), at: "shape")
        let values = try [Double](json: #require(json["values"]), at: "values")
        return json["type"] == "int64"
            ? TensorValue(shape, int64s: values.map { Int64($0) }) : TensorValue(shape, values.map { Float($0) })
    }

    /// Both would end the process: no memory for the matrix, a count beside an empty one.
    @Test(arguments: ["confusion_matrix", "f1", "precision", "recall"])
    func impossibleNumbersOfClasses(name: String) throws {
        let many = #expect(throws: CallError.self) {
            try metric(name).update(
                prediction: .filled(.float32, [1, 3_000_000], 0), target: TensorValue([1], int64s: [0]))
        }
        #expect(many?.text.contains("3000000 classes") == true)
        let none = #expect(throws: CallError.self) {
            try metric(name).update(prediction: TensorValue([2, 0], []), target: TensorValue([2, 0], []))
        }
        #expect(none?.text.contains("without any class") == true)
    }

    /// Every metric over several batches against NumPy; the file comes from Golden/generate_metrics.py.
    @Test func agreesWithNumPy() throws {
        let golden = try goldenJSON("metrics")
        let datasets = try [[JSON]](json: #require(golden["datasets"]), at: "datasets")
        let cases = try [JSONObject](json: #require(golden["cases"]), at: "cases")
        #expect(Set(cases.compactMap { $0["metric"] }.map { $0.text() }).count == CoreCatalogue.metrics.count)
        for one in cases {
            let name = try String(json: #require(one["metric"]), at: "metric")
            let attributes = try JSONObject(json: #require(one["attributes"]), at: "attributes")
            let metric = try metric(name, attributes)
            let wanted = try JSONObject(json: #require(one["values"]), at: "values")
            // Twice: a reset must leave nothing behind.
            for _ in 0..<2 {
                for batch in datasets[try Int(json: #require(one["dataset"]), at: "dataset")] {
                    try metric.update(prediction: tensor(batch[0]), target: tensor(batch[1]))
                }
                let tolerance = try one["tolerance"].map { try Double(json: $0, at: "tolerance") } ?? 1e-12
                compare(try metric.result(), wanted, tolerance, "\(name) \(attributes)")
                metric.reset()
            }
        }
    }

    private func compare(_ got: [MetricResult], _ wanted: JSONObject, _ tolerance: Double, _ what: String) {
        #expect(got.count == wanted.count, "\(what)")
        for result in got {
            switch result {
            case .value(let name, let value):
                let number = wanted[name].flatMap { try? Double(json: $0, at: "") }
                #expect(number != nil && (value - number!).magnitude < tolerance, "\(what) '\(name)': \(value)")
            case .matrix(let name, let rows, let columns, let values):
                let matrix = wanted[name].flatMap { try? [[Double]](json: $0, at: "") }
                #expect(matrix?.count == rows && matrix?.first?.count == columns, "\(what)")
                #expect(matrix?.flatMap { $0 } == values, "\(what)")
            }
        }
    }

    /// By hand: rows 0 and 2 are right; row 1 has label 0 and is taken for class 2.
    @Test func byHand() throws {
        let scores = TensorValue([3, 3], [5, 1, 1, 0, 1, 2, 1, 3, 2])
        let labels = TensorValue([3], int64s: [0, 0, 1])
        func result(_ name: String, _ attributes: JSONObject = [:]) throws -> [MetricResult] {
            let metric = try metric(name, attributes)
            try metric.update(prediction: scores, target: labels)
            return try metric.result()
        }
        #expect(try result("accuracy") == [.value("", 2.0 / 3)])
        #expect(try result("top_k_accuracy", ["k": 2]) == [.value("", 2.0 / 3)])
        #expect(try result("top_k_accuracy", ["k": 3]) == [.value("", 1)])
        #expect(try result("confusion_matrix") == [.matrix("", rows: 3, columns: 3, [1, 0, 1, 0, 1, 0, 0, 0, 0])])
        // Precision per class: 1, 1, 0; recall: ½, 1, none.
        #expect(try value(result("precision")) == 2.0 / 3)
        #expect(try value(result("recall")) == 0.5)
        #expect(try value(result("precision", ["average": "weighted"])) == 1)
        #expect(try value(result("recall", ["average": "micro"])) == 2.0 / 3)
    }

    /// Classes that occur neither in targets nor in predictions have no say in a macro average.
    @Test func absentClassesDoNotCount() throws {
        let scores = TensorValue([2, 4], [5, 0, 0, 0, 0, 5, 0, 0])
        for name in ["precision", "recall", "f1"] {
            let metric = try metric(name)
            try metric.update(prediction: scores, target: TensorValue([2], int64s: [0, 1]))
            #expect(try metric.result() == [.value("", 1)])
        }
    }

    /// By hand: two sequences of three tokens over two classes; label 7 is padding.
    @Test func sequences() throws {
        let scores = TensorValue([2, 3, 2], [0, 1, 1, 0, 0, 1, 3, 0, 0, 0, 5, 0])
        func result(_ name: String, _ labels: [Int64]) throws -> Double {
            let metric = try metric(name, ["class_axis": -1, "ignore_index": 7])
            try metric.update(prediction: scores, target: TensorValue([2, 3], int64s: labels))
            return try value(metric.result())
        }
        #expect(try result("accuracy", [1, 0, 0, 0, 7, 7]) == 0.75)
        #expect(try result("exact_match", [1, 0, 0, 0, 7, 7]) == 0.5)
        #expect(try result("exact_match", [1, 0, 7, 0, 7, 7]) == 1)
        #expect(try result("exact_match", [0, 0, 1, 7, 7, 7]) == 0)
        #expect(try result("exact_match", [7, 7, 7, 7, 7, 7]).isNaN)
        #expect(try (result("perplexity", [7, 7, 7, 7, 1, 7]) - 2).magnitude < 1e-6)
        #expect(try result("perplexity", [7, 7, 7, 7, 7, 7]).isNaN)
    }

    /// A class of probability 0 is infinitely surprising, and no error.
    @Test func perplexityOfTheImpossible() throws {
        let perplexity = try metric("perplexity")
        try perplexity.update(prediction: TensorValue([1, 2], [0, -.infinity]), target: TensorValue([1], int64s: [1]))
        #expect(try perplexity.result() == [.value("", .infinity)])
    }

    @Test func directions() throws {
        for component in CoreCatalogue.metrics {
            let lower = ["mse", "mae", "perplexity"].contains(component.name)
            #expect(try metric(component.name).higherIsBetter == !lower, "\(component.name)")
        }
    }

    /// Targets of other types, one-hot targets, and scores that are no numbers.
    @Test func targetsOfManyKinds() throws {
        let scores = TensorValue([2, 2], [1, 0, 0, 1])
        let targets: [TensorValue] = [
            TensorValue([2], int64s: [0, 0]), TensorValue([2], int32s: [0, 0]), TensorValue([2], uint8s: [0, 0]),
            TensorValue([2], bools: [false, false]), TensorValue([2], [0, 0]),
            TensorValue([2, 2], [0.9, 0.1, 0.8, 0.2]),
        ]
        for target in targets {
            let accuracy = try metric("accuracy")
            try accuracy.update(prediction: scores, target: target)
            #expect(try accuracy.result() == [.value("", 0.5)])
        }
        let topK = try metric("top_k_accuracy", ["k": 1])
        try topK.update(prediction: TensorValue([1, 2], [.nan, 0]), target: TensorValue([1], int64s: [0]))
        #expect(try topK.result() == [.value("", 0)])
    }

    @Test func nothingSeenIsNoNumber() throws {
        for component in CoreCatalogue.metrics where component.name != "confusion_matrix" {
            #expect(try value(metric(component.name).result()).isNaN, "\(component.name)")
        }
        #expect(try metric("confusion_matrix").result() == [.matrix("", rows: 0, columns: 0, [])])
        let accuracy = try metric("accuracy")
        try accuracy.update(prediction: TensorValue([0, 3], []), target: TensorValue([0], int64s: []))
        #expect(try value(accuracy.result()).isNaN)
    }

    @Test func r2OfConstantTargets() throws {
        for (prediction, wanted): ([Float], Double) in [([3, 3], 1), ([3, 4], 0)] {
            let r2 = try metric("r2")
            try r2.update(prediction: TensorValue([2], prediction), target: TensorValue([2], [3, 3]))
            #expect(try r2.result() == [.value("", wanted)])
        }
    }

    /// A shape of [N, 1] against [N] is the same numbers.
    @Test func trailingOnes() throws {
        let mse = try metric("mse")
        try mse.update(prediction: TensorValue([2, 1], [1, 2]), target: TensorValue([2], [1, 4]))
        #expect(try mse.result() == [.value("", 2)])
    }

    @Test func mistakesAreNamed() throws {
        let scores = TensorValue([2, 3], [0, 0, 0, 0, 0, 0])
        func text(_ name: String, _ prediction: TensorValue, _ target: TensorValue, _ attributes: JSONObject = [:])
            throws
            -> String
        {
            do {
                let metric = try metric(name, attributes)
                try metric.update(prediction: prediction, target: target)
                return "accepted"
            } catch { return "\(error)" }
        }
        for name in ["accuracy", "top_k_accuracy", "confusion_matrix", "f1", "exact_match", "perplexity"] {
            #expect(
                try text(name, scores, TensorValue([2], int64s: [0, 3]))
                    .contains("label 3 in sample 1 of the batch, the prediction has 3 classes"))
            #expect(
                try text(name, scores, TensorValue([3], int64s: [0, 0, 0])).contains("wanted one class index per row"))
            #expect(try text(name, scores, TensorValue([2], [0, 0.5])).contains("wanted whole class indices"))
            #expect(try text(name, scores, TensorValue([2], doubles: [0, 1])).contains("wanted int64 class indices"))
            #expect(
                try text(name, TensorValue([2, 3], int64s: [0, 0, 0, 0, 0, 0]), TensorValue([2], int64s: [0, 0]))
                    .contains("wanted float32"))
            #expect(try text(name, TensorValue([], [0]), TensorValue([], int64s: [0])).contains("no dimensions"))
        }
        #expect(
            try text("top_k_accuracy", TensorValue([2], [0, 0]), TensorValue([2], int64s: [0, 1])).contains(
                "use core.accuracy"))
        let sequences = TensorValue([2, 3, 2], [Float](repeating: 0, count: 12))
        for name in ["accuracy", "top_k_accuracy", "exact_match", "perplexity"] {
            #expect(
                try text(name, sequences, TensorValue([2, 3], int64s: [0, 1, 0, 1, 0, 2]), ["class_axis": -1])
                    .contains("label 2 in sample 1 of the batch, the prediction has 2 classes"))
            #expect(
                try text(name, sequences, TensorValue([2, 2], int64s: [0, 1, 0, 1]), ["class_axis": -1])
                    .contains("wanted one class index per row"))
            #expect(
                try text(name, sequences, TensorValue([2, 3], int64s: [0, 0, 0, 0, 0, 0]), ["class_axis": 3])
                    .contains("class_axis is 3, which no axis behind the batch is"))
        }
        #expect(
            try text("perplexity", TensorValue([2], [0, 0]), TensorValue([2], int64s: [0, 1])).contains(
                "wanted logits per class"))
        #expect(
            try text("f1", scores, TensorValue([2], int64s: [0, 1]), ["average": "binary"]).contains(
                "use macro, micro or weighted"))
        for name in ["mse", "mae", "r2"] {
            #expect(try text(name, scores, TensorValue([2], [0, 0])).contains("wanted the same shape"))
            #expect(try text(name, scores, TensorValue([3, 2], [0, 0, 0, 0, 0, 0])).contains("wanted the same shape"))
            #expect(
                try text(name, scores, TensorValue([2, 3], int64s: [0, 0, 0, 0, 0, 0])).contains("wanted float32"))
        }
    }

    @Test func batchesMustAgree() throws {
        let confusion = try metric("confusion_matrix")
        try confusion.update(prediction: TensorValue([1, 3], [0, 0, 1]), target: TensorValue([1], int64s: [2]))
        #expect {
            try confusion.update(prediction: TensorValue([1, 4], [0, 0, 1, 0]), target: TensorValue([1], int64s: [2]))
        } throws: { "\($0)".contains("has 4 classes, the batches before it had 3") }
        let r2 = try metric("r2")
        try r2.update(prediction: TensorValue([1, 3], [0, 0, 1]), target: TensorValue([1, 3], [0, 0, 1]))
        #expect {
            try r2.update(prediction: TensorValue([1, 2], [0, 0]), target: TensorValue([1, 2], [0, 0]))
        } throws: { "\($0)".contains("has 2 numbers per sample, the batches before it had 3") }
    }
}
