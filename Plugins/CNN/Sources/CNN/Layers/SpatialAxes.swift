/// How many spatial axes a layer has: the "2" of conv2d.
protocol SpatialAxes {
    static var count: Int { get }
}

enum OneAxis: SpatialAxes { static let count = 1 }
enum TwoAxes: SpatialAxes { static let count = 2 }
enum ThreeAxes: SpatialAxes { static let count = 3 }

extension SpatialAxes {
    /// "[N, C, H, W]": what an input has to look like.
    static var inputText: String { ["[N, C, L]", "[N, C, H, W]", "[N, C, D, H, W]"][count - 1] }

    /// "height and width": for documentation.
    static var axisNames: String { ["length", "height, width", "depth, height, width"][count - 1] }
}
