import Glibc

/// What happens when somebody truncates a file while it is mapped.
///
/// Reading a page that the file no longer has raises `SIGBUS`, at whatever instruction reads it; no check beforehand
/// can prevent that. A command should then say so in one line and end with a documented code instead of a crash.
public enum TruncationGuard {
    /// From now on, ends the process with `status` and writes `line` to standard error when a mapped page is gone.
    ///
    /// For programs, not for libraries: the signal's handler belongs to the whole process.
    public static func install(line: StaticString, status: Int32) {
        lineStart = line.utf8Start
        lineLength = line.utf8CodeUnitCount
        exitStatus = status
        signal(SIGBUS) { _ in
            // Only calls that are safe in a signal handler.
            _ = write(STDERR_FILENO, lineStart, lineLength)
            _ = write(STDERR_FILENO, "\n", 1)
            _exit(exitStatus)
        }
    }
}

// Written once by `install`, before the handler can run.
private nonisolated(unsafe) var lineStart: UnsafePointer<UInt8>?
private nonisolated(unsafe) var lineLength = 0
private nonisolated(unsafe) var exitStatus: Int32 = 1
