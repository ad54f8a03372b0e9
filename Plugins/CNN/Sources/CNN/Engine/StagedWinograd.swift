import CWinograd
import LaminaSDK

/// The gradient of the weights of a whole convolution, in stages that all threads share; see winograd.h.
struct StagedWinograd {
    private let sizes: lamina_winograd
    private let tileRows: Int
    private let points: Int
    /// Memory of one call.
    let bytes: Int

    init(_ shape: ConvolutionShape) {
        var sizes = Winograd.sizes(shape)
        tileRows = Int(lamina_winograd_tile_rows(&sizes))
        points = Int(lamina_winograd_points(&sizes))
        bytes = Int(lamina_winograd_gradient_memory(&sizes)) * 4
        self.sizes = sizes
    }

    /// The gradient of the weights, in the order height, width, in, out.
    func run(
        _ host: Host, input: UnsafeMutablePointer<Float>, outputGradient: UnsafeMutablePointer<Float>,
        weightGradient: UnsafeMutableRawPointer, memory: UnsafeMutableRawPointer
    ) {
        let memory = memory.assumingMemoryBound(to: Float.self)
        let dw = weightGradient.assumingMemoryBound(to: Float.self)
        withUnsafePointer(to: sizes) { sizes in
            forEach(host, tileRows) { lamina_winograd_gradient_inputs(sizes, input, outputGradient, $0, memory) }
            forEach(host, points) { lamina_winograd_gradient_products(sizes, $0, memory) }
            forEach(host, Int(sizes.pointee.in.channels)) { lamina_winograd_gradient_weights(sizes, memory, $0, dw) }
        }
    }

    private func forEach(_ host: Host, _ count: Int, _ body: (lamina_winograd_range) -> Void) {
        host.parallelFor(count, grain: max(1, count / points)) { begin, end in
            body(lamina_winograd_range(begin: Int64(begin), end: Int64(end)))
        }
    }
}
