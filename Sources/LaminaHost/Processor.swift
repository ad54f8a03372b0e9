import CCPU
import CLamina

/// What this processor, under this operating system, can run.
public enum Processor {
    /// The instruction-set levels that it supports, the best first, as bundles name them.
    public static let levels: [String] = {
        #if arch(x86_64)
            ["x86-64-v4", "x86-64-v3", "x86-64-v2", "x86-64-v1"].suffix(Int(lamina_cpu_x86_level())).map { $0 }
        #elseif arch(arm64)
            ["aarch64"]
        #else
            []
        #endif
    }()

    static let features: UInt64 =
        (levels.contains("x86-64-v3") ? UInt64(LAMINA_CPU_AVX2) : 0)
        | (levels.contains("x86-64-v4") ? UInt64(LAMINA_CPU_AVX512) : 0)

    /// The processors that this process may use.
    public static let coreCount = Int(lamina_cpu_count())
}
