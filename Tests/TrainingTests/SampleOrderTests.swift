import Testing

@testable import LaminaTraining

struct SampleOrderTests {
    @Test func everyEpochVisitsEverySampleOnce() {
        let samples = (0..<Int64(1000)).map { $0 }
        let first = SampleOrder.epoch(samples, 0, shuffles: true, seed: 1)
        let second = SampleOrder.epoch(samples, 1, shuffles: true, seed: 1)
        #expect(first.sorted() == samples && second.sorted() == samples)
        #expect(first != samples && first != second)
        #expect(SampleOrder.epoch(samples, 0, shuffles: true, seed: 1) == first)
        #expect(SampleOrder.epoch(samples, 0, shuffles: true, seed: 2) != first)
        #expect(SampleOrder.epoch(samples, 3, shuffles: false, seed: 1) == samples)
    }

    @Test func smallOnesWork() {
        #expect(SampleOrder.epoch([], 0, shuffles: true, seed: 1) == [])
        #expect(SampleOrder.epoch([7], 0, shuffles: true, seed: 1) == [7])
    }

    @Test func aSplitIsAPartition() {
        let (training, validation) = SampleOrder.split(101, validation: 0.1, seed: 4)
        #expect(validation.count == 10)
        #expect((training + validation).sorted() == (0..<Int64(101)).map { $0 })
    }

    /// Every position is equally likely for every sample, within five standard deviations.
    @Test func theShuffleIsUniform() {
        var counts = [Int](repeating: 0, count: 25)
        let rounds = 5000
        for round in 0..<rounds {
            for (position, sample) in SampleOrder.epoch([0, 1, 2, 3, 4], round, shuffles: true, seed: 9).enumerated() {
                counts[position * 5 + Int(sample)] += 1
            }
        }
        let expected = Double(rounds) / 5
        let deviation = (expected * 0.8).squareRoot()
        for count in counts { #expect(abs(Double(count) - expected) < 5 * deviation) }
    }
}
