import LaminaSDK

extension Inference {
    /// The axis that an attribute means: negative ones count from the end, as in PyTorch.
    func axis(_ axis: Int, _ attribute: String, of shape: [Dimension]) throws -> Int {
        guard axis >= -shape.count && axis < shape.count else {
            let wanted = shape.isEmpty ? "an input with at least one axis" : "\(-shape.count) to \(shape.count - 1)"
            throw PluginError.attribute(
                "\(attribute) is \(axis), but the input has shape \(host.text(shape)): wanted \(wanted)")
        }
        return axis < 0 ? axis + shape.count : axis
    }

    /// The product of dimensions; 1 for none.
    func product(_ dimensions: ArraySlice<Dimension>) throws -> Dimension {
        try dimensions.reduce(Dimension(1)) { $0 == Dimension(1) ? $1 : try host.multiply($0, $1) }
    }
}

/// `axis` of a concrete shape, which `Inference.axis` has checked.
func resolved(_ axis: Int, rank: Int) -> Int { axis < 0 ? axis + rank : axis }
