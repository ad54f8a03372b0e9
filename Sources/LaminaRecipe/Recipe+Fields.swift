extension Recipe.Datasets {
    /// The field of the source that a field is, or of which transforms make it.
    public func sourceField(of name: String) -> String {
        guard let maker = transforms.first(where: { $0.result == name }), let field = maker.field else { return name }
        return before(maker).sourceField(of: field)
    }

    /// What is done to a field of the source, or to get one that is made of it, in order.
    ///
    /// - Parameter isFirst: whether the model's first input takes it, which transforms without a field are for.
    public func transforms(of name: String, isFirst: Bool) -> [Recipe.Transform] {
        func own(_ all: some Sequence<Recipe.Transform>) -> [Recipe.Transform] {
            all.filter { $0.result == nil && ($0.field.map { $0 == name } ?? isFirst) }
        }
        guard let index = transforms.firstIndex(where: { $0.result == name }), let field = transforms[index].field
        else {
            return own(transforms)
        }
        let maker = transforms[index]
        return before(maker).transforms(of: field, isFirst: false) + [maker] + own(transforms[(index + 1)...])
    }

    /// The data as they are before a transform, so that what is made of itself has an end.
    private func before(_ transform: Recipe.Transform) -> Recipe.Datasets {
        var data = self
        data.transforms = Array(transforms.prefix { $0 != transform })
        return data
    }
}
