import LaminaSDK

/// Images above what was made of them: one example per column.
struct TranslationPicture {
    private let count: Int
    private let range: SampleGrid.Range
    private var rows: [(values: [Float], shape: [Int])] = []

    init(count: Int, _ range: SampleGrid.Range) { (self.count, self.range) = (count, range) }

    /// A row of the first images of a batch.
    mutating func add(_ images: Tensor) {
        let shape = Array(images.shape.dropFirst())
        let size = count * shape.reduce(1, *)
        add(Array(UnsafeBufferPointer(start: images.floats, count: size)), shape: shape)
    }

    /// A row of `count` images of a shape.
    mutating func add(_ images: [Float], shape: [Int]) { rows.append((images, shape)) }

    /// nil: these are no images. Grey rows beside coloured ones become coloured; rows of other sizes than the last are left out.
    func picture() -> Picture? {
        guard let last = rows.last?.shape, SampleGrid.isImage(last) else { return nil }
        let shown = rows.filter { SampleGrid.isImage($0.shape) && $0.shape.dropFirst() == last.dropFirst() }
        let channels = shown.map { $0.shape[0] }.max()!
        let plane = last[1] * last[2]
        var images: [Float] = []
        for row in shown {
            for index in 0..<count {
                for channel in 0..<channels {
                    let first = (index * row.shape[0] + min(channel, row.shape[0] - 1)) * plane
                    images += row.values[first..<first + plane]
                }
            }
        }
        return SampleGrid.picture(
            images, count: shown.count * count, shape: [channels] + last.dropFirst(), columns: count, range)
    }
}

/// The examples that the pictures of a training show: the first of its data, which checkpoints keep.
struct ShownExamples {
    let count: Int
    let settings: SamplePictures.Settings
    private let batch: Int

    init(_ settings: SamplePictures.Settings, _ networks: Networks) {
        self.settings = settings
        batch = networks.batch
        count = min(settings.count, batch)
    }

    /// The state that holds them: a batch, of which the first are shown, so that a resumed training may show more or fewer.
    func addState(_ name: String, _ shape: [Int], to model: ProcedureModel) throws {
        try model.addState("shown_" + name, .float32, [batch] + shape)
    }

    /// Keeps a batch.
    func keep(_ images: Tensor, in state: Tensor) { state.floats.update(from: images.floats, count: state.count) }

    /// Shows rows of images to people.
    func write(_ rows: TranslationPicture, _ networks: Networks, epoch: Int) throws {
        guard let picture = rows.picture() else { return }
        try networks.writeSample(SamplePictures.fileName(epoch: epoch), picture.png())
    }
}
