/// Colours for shares from 0 to 1, from white to dark.
///
/// The square root of the share is what runs through the colours: confusions of a few percent must be seen.
/// Blue and orange differ for every kind of colour vision. Source: Brewer's schemes "Blues" and "Oranges".
struct ColorScale {
    typealias RGB = (red: Double, green: Double, blue: Double)
    private let stops: [RGB]

    /// For what is classified rightly.
    static let right = ColorScale(stops: [
        (255, 255, 255), (198, 219, 239), (107, 174, 214), (33, 113, 181), (8, 48, 107),
    ])
    /// For what is taken for something else.
    static let wrong = ColorScale(stops: [(255, 255, 255), (253, 208, 162), (253, 141, 60), (217, 72, 1), (127, 39, 4)])

    func color(_ share: Double) -> RGB {
        let place = min(max(share, 0), 1).squareRoot() * Double(stops.count - 1)
        let index = min(Int(place), stops.count - 2)
        let (low, high, part) = (stops[index], stops[index + 1], place - Double(index))
        func mix(_ a: Double, _ b: Double) -> Double { (a + (b - a) * part).rounded() }
        return (mix(low.red, high.red), mix(low.green, high.green), mix(low.blue, high.blue))
    }

    /// The colour as SVG writes it.
    static func text(_ color: RGB) -> String {
        let parts = [color.red, color.green, color.blue].map { part in
            let digits = String(Int(part), radix: 16)
            return digits.utf8.count < 2 ? "0" + digits : digits
        }
        return "#" + parts.joined()
    }

    /// Black or white, whichever is read better on `color`: by relative luminance (WCAG 2.1).
    static func ink(on color: RGB) -> String {
        func linear(_ part: Double) -> Double {
            let share = part / 255
            // The curve of sRGB, near enough as a square.
            return share * share
        }
        let luminance = 0.2126 * linear(color.red) + 0.7152 * linear(color.green) + 0.0722 * linear(color.blue)
        return luminance > 0.3 ? "#1a1a1a" : "#ffffff"
    }
}
