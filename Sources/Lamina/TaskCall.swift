import CLamina
import Glibc
import LaminaFormats
import LaminaHost
import LaminaSDK
import LaminaSchema

/// One call of a task: where its answer goes.
final class TaskCall {
    private let session: ModelSession
    private let observer: any TaskObserver

    init(_ session: ModelSession, _ observer: any TaskObserver) {
        self.session = session
        self.observer = observer
    }

    private static func at(_ pointer: UnsafeMutableRawPointer?) -> TaskCall {
        Unmanaged<TaskCall>.fromOpaque(pointer!).takeUnretainedValue()
    }

    func run(
        _ component: LoadedComponent, _ attributes: AttributeSet, _ arguments: [String], _ runtime: Runtime
    ) -> lamina_status {
        var sink = lamina_task_sink(
            struct_size: UInt32(MemoryLayout<lamina_task_sink>.size), reserved: 0,
            sink: Unmanaged.passUnretained(self).toOpaque(),
            add_row: { sink, count, cells in
                let call = TaskCall.at(sink)
                _ = call.session.attempt {
                    var list = lamina_attributes(
                        struct_size: UInt32(MemoryLayout<lamina_attributes>.size), count: count, items: cells)
                    do throws(AttributeError) {
                        call.observer.row(try JSONObject(&list))
                    } catch {
                        throw call.session.fault("a row cannot be read: \(error.text)")
                    }
                }
            },
            add_text: { sink, text in TaskCall.at(sink).observer.text(String(decoding: text.bytes, as: UTF8.self)) },
            wrote_file: { sink, path in
                TaskCall.at(sink).observer.wrote(file: String(decoding: path.bytes, as: UTF8.self))
            },
            progress: { sink, done, total in
                guard total > 0 else { return }
                TaskCall.at(sink).observer.progress(Int(min(max(done, 0), total)), of: Int(total))
            })
        let table: UnsafePointer<lamina_task> = component.table()
        let words = arguments.map { Array($0.utf8CString) }
        return words.withViews { views in
            withExtendedLifetime(self) {
                table.pointee.run(
                    component.raw, UnsafePointer(runtime.services), attributes.raw, session.raw, Int32(views.count),
                    views.baseAddress, &sink)
            }
        }
    }
}

extension [[CChar]] {
    /// Calls `body` with views of texts that end in NUL.
    fileprivate func withViews<Result>(_ body: (UnsafeBufferPointer<lamina_string>) -> Result) -> Result {
        let copies = map { text in
            let memory = UnsafeMutablePointer<CChar>.allocate(capacity: text.count)
            memory.initialize(from: text, count: text.count)
            return lamina_string(data: memory, size: UInt64(text.count - 1))
        }
        defer { copies.forEach { $0.data.deallocate() } }
        return copies.withUnsafeBufferPointer(body)
    }
}
