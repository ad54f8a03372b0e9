import CLamina
import LaminaHost
import Synchronization
import Testing

/// Services called as no plugin should: nothing of it may end the process.
@Suite(.serialized) struct ServiceTests {
    private var services: UnsafeMutablePointer<lamina_host> { Runtime.shared.services }

    private func errorText(_ text: lamina_string) -> String {
        services.pointee.set_error(services, LAMINA_ERROR_SHAPE, text, -1)
        do {
            try Runtime.shared.check(LAMINA_ERROR_SHAPE, "here")
            return "no error"
        } catch { return error.description }
    }

    @Test func errorTextsWithoutMemoryOrWithAbsurdSizes() {
        #expect(errorText(lamina_string(data: nil, size: .max)) == "here: (no text)")
        let long = [CChar](repeating: 65, count: 1 << 16)
        long.withUnsafeBufferPointer {
            #expect(errorText(lamina_string(data: $0.baseAddress, size: .max)).utf8.count == 6 + 65536)
        }
        "short".withCString { #expect(errorText(lamina_string(data: $0, size: 5)) == "here: short") }
    }

    @Test func logLinesWithoutMemory() {
        final class Lines: Sendable { let all = Mutex<[String]>([]) }
        let lines = Lines()
        let before = Runtime.shared.logHandler
        defer { Runtime.shared.logHandler = before }
        Runtime.shared.logHandler = { _, line in lines.all.withLock { $0.append(line) } }
        services.pointee.log(services, LAMINA_LOG_WARNING, lamina_string(data: nil, size: 77))
        #expect(lines.all.withLock { $0 } == ["(no text)"])
    }

    @Test func jobsAndRandomNumbersWithoutPointers() {
        services.pointee.parallel_for(services, 100, 1, nil, nil)
        var random = lamina_random(seed: 1, stream: 2, offset: 3)
        services.pointee.random_bits(services, nil, 0, nil, 4)
        services.pointee.random_uniform(services, &random, 0, nil, 4)
        var value: Float = 7
        services.pointee.random_normal(services, &random, 0, &value, -1)
        #expect(value == 7)
    }

    @Test func scratchMemoryHasALimit() {
        #expect(services.pointee.scratch(services, .max) == nil)
        #expect(services.pointee.scratch(services, UInt64(Int.max) - 5000) == nil)
        #expect(services.pointee.scratch(services, (1 << 46) + 1) == nil)
        let memory = services.pointee.scratch(services, 100)
        #expect(memory != nil && UInt(bitPattern: memory) % 64 == 0)
    }
}
