import CAllocationCounter
import CLamina
import LaminaSDK
import Synchronization

/// What a layer says of its output with `lamina_run.finished`.
final class Announcements: Sendable {
    private struct Part {
        var begin: Int
        var elements: [UInt32]
    }

    private struct State: @unchecked Sendable {
        var output: UnsafeMutableRawPointer?
        var parts: [Part] = []
    }

    private let state = Mutex(State())

    /// Listens to the next forward, which writes to `output`.
    func listen(_ output: UnsafeMutableRawPointer, _ run: inout lamina_run) {
        state.withLock { $0 = State(output: output) }
        run.listeners = UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
        run.finished = { listeners, begin, count in
            lamina_allocation_pause()
            Unmanaged<Announcements>.fromOpaque(listeners!).takeUnretainedValue().add(Int(begin), Int(count))
            lamina_allocation_resume()
        }
    }

    private func add(_ begin: Int, _ count: Int) {
        state.withLock { state in
            let floats = state.output!.assumingMemoryBound(to: UInt32.self)
            let isInside = begin >= 0 && count >= 0 && count <= 1 << 30
            state.parts.append(
                Part(
                    begin: begin,
                    elements: isInside ? (0..<count).map { floats[begin + $0] } : []))
        }
    }

    /// What was wrong: elements left out, or named twice, or changed after they were named.
    func faults(_ form: TensorForm, _ output: UnsafeMutableRawPointer?) -> [String] {
        let count = form.byteCount / form.dtype.size
        return state.withLock { state in
            defer { state = State() }
            var next = 0
            for part in state.parts.sorted(by: { ($0.begin, $0.elements.count) < ($1.begin, $1.elements.count) }) {
                guard part.begin == next else {
                    return ["forward announces its output from element \(part.begin) on, wanted \(next) next"]
                }
                next += part.elements.count
            }
            guard next == count else {
                return ["forward announces \(next) elements of output 0, which has \(count)"]
            }
            let floats = output?.assumingMemoryBound(to: UInt32.self)
            let isFinal = state.parts.allSatisfy { part in
                part.elements.enumerated().allSatisfy { floats?[part.begin + $0.offset] == $0.element }
            }
            return isFinal ? [] : ["forward changes output 0 after it has announced it"]
        }
    }
}
