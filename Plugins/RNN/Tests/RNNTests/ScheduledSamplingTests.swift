import Foundation
import Testing

@testable import RNN

/// The course of the true token's probability. What is replaced by what is tested where models are trained.
struct ScheduledSamplingTests {
    @Test(arguments: ScheduledSampling.Decay.allCases)
    func fallsFromOne(_ decay: ScheduledSampling.Decay) {
        var last = 1.0
        for step in 0...1000 {
            let probability = decay.probability(step: Double(step), steps: 50)
            #expect(probability >= 0 && probability <= last)
            last = probability
        }
        #expect(decay.probability(step: 1e9, steps: 50) < 1e-6)
        #expect(last < 0.01)
    }

    @Test func followsThePaper() {
        typealias Decay = ScheduledSampling.Decay
        #expect(Decay.linear.probability(step: 0, steps: 100) == 1)
        #expect(Decay.linear.probability(step: 25, steps: 100) == 0.75)
        #expect(abs(Decay.exponential.probability(step: 10, steps: 100) - pow(exp(-0.01), 10)) < 1e-12)
        // k / (k + exp(i / k)) is a half where exp(i / k) is k.
        #expect(abs(Decay.inverseSigmoid.probability(step: 100 * log(100), steps: 100) - 0.5) < 1e-12)
        #expect(abs(Decay.inverseSigmoid.probability(step: 0, steps: 100) - 100.0 / 101) < 1e-12)
    }
}
