import CLamina

/// Why a call fails: a status and one line that says what, where, got, wanted and what to do.
public struct PluginError: Error, Sendable, CustomStringConvertible {
    public var status: lamina_status
    public var text: String
    /// The index of the input at fault, or -1.
    public var argument: Int32

    public init(_ status: lamina_status, _ text: String, argument: Int = -1) {
        self.status = status
        self.text = text
        self.argument = Int32(argument)
    }

    public var description: String { text }

    /// Whether it is right in principle, but not offered: a layer that cannot be computed step by step, for one.
    public var isUnsupported: Bool { status == LAMINA_ERROR_UNSUPPORTED }

    public static func attribute(_ text: String) -> PluginError { .init(LAMINA_ERROR_ATTRIBUTE, text) }
    public static func shape(_ text: String, input: Int = -1) -> PluginError {
        .init(LAMINA_ERROR_SHAPE, text, argument: input)
    }
    public static func type(_ text: String, input: Int = -1) -> PluginError {
        .init(LAMINA_ERROR_TYPE, text, argument: input)
    }
    public static func unsupported(_ text: String) -> PluginError { .init(LAMINA_ERROR_UNSUPPORTED, text) }
    public static func data(_ text: String, input: Int = -1) -> PluginError {
        .init(LAMINA_ERROR_DATA, text, argument: input)
    }
    public static func file(_ text: String) -> PluginError { .init(LAMINA_ERROR_FILE, text) }
    public static func memory(_ text: String) -> PluginError { .init(LAMINA_ERROR_MEMORY, text) }
    /// What a long call throws soon after `Host.isCancelled`.
    public static var cancelled: PluginError { .init(LAMINA_ERROR_CANCELLED, "stopped because the user asked to") }
    public static func `internal`(_ text: String) -> PluginError { .init(LAMINA_ERROR_INTERNAL, text) }
}

extension UnsafePointer<lamina_host> {
    /// Runs `body`, turns what it throws into a status and hands the text to the host.
    @inline(__always)
    func status(of body: () throws -> Void) -> lamina_status {
        do {
            try body()
            return LAMINA_OK
        } catch {
            return report(error)
        }
    }

    @inline(never)
    func report(_ error: any Error) -> lamina_status {
        let known = error as? PluginError ?? .internal("\(error)")
        var text = known.text
        text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                let view = lamina_string(data: characters.baseAddress, size: UInt64(characters.count))
                pointee.set_error(self, known.status, view, known.argument)
            }
        }
        return known.status
    }
}

/// Checks the status of a host call.
func check(_ status: lamina_status, _ what: @autoclosure () -> String) throws {
    guard status != LAMINA_OK else { return }
    throw PluginError(status, what())
}
