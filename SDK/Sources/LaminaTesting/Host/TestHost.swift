import CLamina
import Glibc
import LaminaSDK
import Synchronization

/// A host for tests: every service of the ABI, written for being right and revealing rather than fast.
///
/// Matrix products accumulate in double precision; chunks of `parallelFor` can be shuffled; scratch memory is poisoned
/// and watched. Like every host it lives as long as the process.
public final class TestHost: @unchecked Sendable {
    /// How many threads `parallel_for` uses. Not to be changed while a call runs.
    public var threads = 1
    /// Whether chunks are handed out in a random order, to find bodies that depend on it.
    public var shufflesChunks = false
    /// What `is_cancelled` says.
    public var isCancelled = false
    /// What `cpu_features` says; at first what this processor has.
    public var cpuFeatures = ProcessorFeatures.detected

    /// A message of a component.
    public struct LogEntry: Equatable, Sendable {
        public let level: Int32
        public let text: String
    }

    struct State {
        var log: [LogEntry] = []
        var errors: [UInt: CallError] = [:]
        var scratch = ScratchMemory()
        var symbols = SymbolTable()
        var shuffleSeed: UInt64 = 1
    }
    let state = Mutex(State())
    private let table: UnsafeMutablePointer<lamina_host>

    public init() {
        table = .allocate(capacity: 1)
        table.initialize(to: Self.services)
        // Never released: the ABI lets components keep the host.
        table.pointee.context = Unmanaged.passRetained(self).toOpaque()
    }

    /// What components get.
    public var raw: UnsafePointer<lamina_host> { UnsafePointer(table) }
    /// The same for code that is written in Swift.
    public var host: Host { Host(raw) }

    static func of(_ raw: UnsafePointer<lamina_host>?) -> TestHost {
        Unmanaged<TestHost>.fromOpaque(raw!.pointee.context).takeUnretainedValue()
    }

    /// What components have logged so far.
    public var log: [LogEntry] { state.withLock { $0.log } }

    /// Throws what a call that returned `status` has told; a failing call without a text is a fault of its own.
    func check(_ status: lamina_status, _ call: String) throws(CallError) {
        let told = state.withLock { $0.errors.removeValue(forKey: currentThread()) }
        guard status != LAMINA_OK else { return }
        guard let told, !told.text.isEmpty else {
            throw CallError(call: call, status: status, text: "", argument: -1)
        }
        throw CallError(call: call, status: status, text: told.text, argument: told.argument)
    }

    /// The largest scratch memory that the call has asked for.
    var largestScratch: Int { state.withLock { $0.scratch.largest } }

    /// Ends a call into a component: scratch memory becomes invalid. Returns what was written outside of it.
    func endCall() -> [String] { state.withLock { $0.scratch.release() } }
}

/// The identity of the calling thread.
func currentThread() -> UInt { UInt(pthread_self()) }

/// Why a call into a component failed, in its own words.
public struct CallError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The function of the vtable: "infer", "forward".
    public let call: String
    public let status: lamina_status
    /// Empty when the component broke the rule to call `set_error`.
    public let text: String
    /// The index of the input at fault, or -1.
    public let argument: Int32

    public var description: String {
        text.isEmpty
            ? "\(call) returned status \(status) without calling set_error: say what is wrong"
            : "\(call) failed: \(text)"
    }
}
