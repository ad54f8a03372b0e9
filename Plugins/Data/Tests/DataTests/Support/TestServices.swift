import CLamina
import CLaminaMath
import Glibc
import LaminaFormats
import LaminaSDK
import LaminaSchema

/// A failing call into the plugin: its status and the text that it gave.
struct Failure: Error, CustomStringConvertible {
    var status: lamina_status
    var text: String
    var description: String { "status \(status): \(text)" }
}

/// The host's services as far as readers and transforms use them; chunks run on two threads.
final class TestServices: @unchecked Sendable {
    let raw: UnsafeMutablePointer<lamina_host>
    /// What `set_error` said last.
    var text = ""

    init() {
        raw = .allocate(capacity: 1)
        raw.initialize(to: lamina_host())
        raw.pointee.struct_size = UInt32(MemoryLayout<lamina_host>.size)
        raw.pointee.context = Unmanaged.passUnretained(self).toOpaque()
        raw.pointee.set_error = { host, _, text, _ in
            let services = Unmanaged<TestServices>.fromOpaque(host!.pointee.context).takeUnretainedValue()
            services.text = String(
                decoding: UnsafeRawBufferPointer(start: text.data, count: Int(text.size)), as: UTF8.self)
        }
        raw.pointee.parallel_for = { _, count, grain, body, context in runChunks(count, grain, body!, context) }
        raw.pointee.random_bits = { _, random, first, out, count in
            let random = random!.pointee
            lamina_random_bits(random.seed, random.stream, random.offset + first, out, count)
        }
        raw.pointee.random_uniform = { _, random, first, out, count in
            let random = random!.pointee
            lamina_random_uniform(random.seed, random.stream, random.offset + first, out, count)
        }
    }

    deinit { raw.deallocate() }

    func check(_ status: lamina_status) throws {
        if status != LAMINA_OK { throw Failure(status: status, text: text) }
    }
}

private typealias Body = @convention(c) (UnsafeMutableRawPointer?, Int64, Int64) -> Void

/// Even chunks on a second thread, odd ones here.
private func runChunks(_ count: Int64, _ grain: Int64, _ body: @escaping Body, _ context: UnsafeMutableRawPointer?) {
    final class Work {
        let run: (Int64) -> Void
        init(_ run: @escaping (Int64) -> Void) { self.run = run }
    }
    let work = Work { start in
        for begin in stride(from: start * grain, to: count, by: Int(2 * grain)) {
            body(context, begin, min(begin + grain, count))
        }
    }
    var thread = pthread_t()
    let created = pthread_create(
        &thread, nil,
        { argument in
            Unmanaged<Work>.fromOpaque(argument!).takeUnretainedValue().run(0)
            return nil
        }, Unmanaged.passUnretained(work).toOpaque())
    precondition(created == 0, "no thread")
    work.run(1)
    pthread_join(thread, nil)
}

/// Plain tensors of one call into the plugin, with memory between guards that `deinit` checks.
final class TestTensor {
    let raw: UnsafeMutablePointer<lamina_tensor>
    let bytes: UnsafeMutableRawBufferPointer
    private let memory: UnsafeMutableRawPointer
    private let dimensions: UnsafeMutablePointer<Int64>
    private static let guardSize = 64
    private static let poison: UInt8 = 0xA5

    init(_ dtype: lamina_dtype, _ shape: [Int]) {
        let rank = shape.count
        let count = shape.reduce(1, *) * Int(dtype.bits) / 8
        memory = malloc(count + 2 * Self.guardSize)!
        memset(memory, Int32(Self.poison), count + 2 * Self.guardSize)
        bytes = UnsafeMutableRawBufferPointer(start: memory + Self.guardSize, count: count)
        dimensions = .allocate(capacity: 2 * rank + 1)
        var stride: Int64 = 1
        for axis in (0..<rank).reversed() {
            dimensions[axis] = Int64(shape[axis])
            dimensions[rank + axis] = stride
            stride *= Int64(shape[axis])
        }
        raw = .allocate(capacity: 1)
        raw.initialize(to: lamina_tensor())
        raw.pointee.data = bytes.baseAddress
        raw.pointee.device_type = LAMINA_DEVICE_CPU
        raw.pointee.rank = Int32(rank)
        raw.pointee.dtype = dtype
        raw.pointee.shape = UnsafePointer(dimensions)
        raw.pointee.strides = UnsafePointer(dimensions + rank)
        raw.pointee.layout = LAMINA_LAYOUT_PLAIN
    }

    deinit {
        let end = memory + Self.guardSize + bytes.count
        for i in 0..<Self.guardSize {
            precondition(
                memory.load(fromByteOffset: i, as: UInt8.self) == Self.poison
                    && end.load(fromByteOffset: i, as: UInt8.self) == Self.poison, "written outside a tensor")
        }
        free(memory)
        dimensions.deallocate()
        raw.deallocate()
    }

    func array<Element: BitwiseCopyable>(of type: Element.Type) -> [Element] {
        (0..<(bytes.count / MemoryLayout<Element>.size)).map {
            bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.size, as: type)
        }
    }
}
