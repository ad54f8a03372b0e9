import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import Core

@Suite struct ScheduleTests {
    private func factor(
        _ name: String, _ attributes: JSONObject, step: Int, stepsPerEpoch: Int = 5, totalSteps: Int = 40
    ) throws -> Double {
        let schedule = try #require(CoreCatalogue.schedules.first { $0.name == name })
        return try LaminaTesting.factor(
            of: schedule, attributes, step: step, stepsPerEpoch: stepsPerEpoch, totalSteps: totalSteps)
    }

    /// Every schedule against PyTorch's scheduler, step by step; the file comes from Golden/generate_schedules.py.
    @Test func agreesWithPyTorch() throws {
        let golden = try goldenJSON("schedules")
        let stepsPerEpoch = try Int(json: #require(golden["steps_per_epoch"]), at: "")
        let total = try Int(json: #require(golden["total_steps"]), at: "")
        let cases = try [JSONObject](json: #require(golden["cases"]), at: "")
        #expect(Set(cases.compactMap { $0["schedule"] }.map { $0.text() }).count == CoreCatalogue.schedules.count)
        for one in cases {
            let name = try String(json: #require(one["schedule"]), at: "")
            let attributes = try JSONObject(json: #require(one["attributes"]), at: "")
            let factors = try [Double](json: #require(one["factors"]), at: "")
            #expect(factors.count == total)
            let wrong = try factors.indices.filter { step in
                let got = try factor(name, attributes, step: step, stepsPerEpoch: stepsPerEpoch, totalSteps: total)
                return (got - factors[step]).magnitude > 1e-9
            }
            #expect(wrong == [], "steps at which \(name) \(attributes) differs")
        }
    }

    /// Steps beyond the planned end and trainings without steps still have a factor.
    @Test func oddTimes() throws {
        #expect(try factor("cosine", ["minimum": 0.1], step: 100) == 0.1)
        #expect(try factor("warmup_cosine", ["duration": 3], step: 100) == 0)
        #expect(try factor("warmup_cosine", ["duration": 100, "start": 0], step: 39) == 0.39)
        #expect(try factor("linear_warmup", ["duration": 0], step: 0) == 1)
        for schedule in CoreCatalogue.schedules {
            let required: [String: JSONObject] = [
                "step": ["every": 1], "exponential": ["factor": 0.5], "linear_warmup": ["duration": 1],
                "warmup_cosine": ["duration": 1],
            ]
            let attributes = required[schedule.name] ?? [:]
            #expect(try (0...1).contains(factor(schedule.name, attributes, step: 0, stepsPerEpoch: 0, totalSteps: 0)))
        }
    }
}
