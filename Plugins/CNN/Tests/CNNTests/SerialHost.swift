import CLamina
import LaminaSDK
func serialHost() -> Host {
    let raw = UnsafeMutablePointer<lamina_host>.allocate(capacity: 1)
    raw.initialize(to: lamina_host())
    raw.pointee.parallel_for = { host, count, grain, body, context in
        var b: Int64 = 0
        while b < count { body!(context, b, min(b + grain, count)); b += grain }
    }
    return Host(raw)
}
