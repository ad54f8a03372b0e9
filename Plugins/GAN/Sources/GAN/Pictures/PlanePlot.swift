/// Points in a plane over a surface: what a generator of points makes, and how real its discriminator holds every place.
struct PlanePlot {
    /// Half the side of the square that is shown, around the origin.
    let extent: Double
    private(set) var picture: Picture
    static let size = 480

    /// - Parameter surface: values from 0 to 1 on a square lattice, row by row from the lower left corner; shown from
    ///   blue (0) over white (½) to red (1).
    init(extent: Double, surface: [Double]) {
        self.extent = extent
        picture = Picture(width: Self.size, height: Self.size, channels: 3)
        let side = Int(Double(surface.count).squareRoot().rounded())
        guard side > 0 else { return }
        for y in 0..<Self.size {
            for x in 0..<Self.size {
                let row = (Self.size - 1 - y) * side / Self.size
                paint(x, y, Self.colour(surface[row * side + x * side / Self.size]))
            }
        }
    }

    /// Where the lattice's cells lie: their centres, row by row.
    static func lattice(side: Int, extent: Double) -> [(x: Double, y: Double)] {
        func place(_ index: Int) -> Double { (2 * (Double(index) + 0.5) / Double(side) - 1) * extent }
        return (0..<side).flatMap { row in (0..<side).map { (place($0), place(row)) } }
    }

    private static func colour(_ value: Double) -> [UInt8] {
        let value = value.isFinite ? min(max(value, 0), 1) : 0.5
        let strength = abs(value - 0.5) * 2
        let faded = UInt8(255 - 140 * strength)
        return value < 0.5 ? [faded, faded, 255] : [255, faded, faded]
    }

    private mutating func paint(_ x: Int, _ y: Int, _ colour: [UInt8]) {
        guard (0..<Self.size).contains(x), (0..<Self.size).contains(y) else { return }
        for channel in 0..<3 { picture.pixels[(y * Self.size + x) * 3 + channel] = colour[channel] }
    }

    /// Draws a point as a square of `2 · radius + 1` pixels.
    mutating func add(x: Double, y: Double, _ colour: [UInt8], radius: Int = 1) {
        guard x.isFinite, y.isFinite, abs(x) <= extent, abs(y) <= extent else { return }
        let centre = (Int((x / extent + 1) / 2 * Double(Self.size)), Int((1 - y / extent) / 2 * Double(Self.size)))
        for dy in -radius...radius {
            for dx in -radius...radius { paint(centre.0 + dx, centre.1 + dy, colour) }
        }
    }

    func png() throws -> [UInt8] { try picture.png() }
}
