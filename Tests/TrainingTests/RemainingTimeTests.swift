import LaminaTraining
import Testing

@Suite("Remaining time")
struct RemainingTimeTests {
    @Test("what a resumed run had behind it took none of its time")
    func resumed() {
        var remaining = RemainingTime()
        #expect(remaining.left(done: 0.8, at: 100) == nil)
        // 0.1 in 10 seconds leaves 0.1, and not a ninth of what is done.
        #expect(abs(remaining.left(done: 0.9, at: 110)! - 10) < 1e-9)
        #expect(remaining.left(done: 1, at: 120) == 0)
    }

    @Test("too little is no estimate; a run that goes on with more epochs begins anew")
    func little() {
        var remaining = RemainingTime()
        #expect(remaining.left(done: 0.5, at: 0, least: 0.01) == nil)
        #expect(remaining.left(done: 0.505, at: 1, least: 0.01) == nil)
        #expect(remaining.left(done: 0.75, at: 2) == 2)
        #expect(remaining.left(done: 0.25, at: 3) == nil)
        #expect(remaining.left(done: 0.5, at: 4) == 2)
    }
}
