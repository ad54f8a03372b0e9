import Testing

/// What the blocks expand to: components, connections, and names that PyTorch's modules have.
@Suite struct BlockTests {
    @Test func residual() throws {
        let block = try BlockExpander.expand("cnn.residual", ["filters": 8, "stride": 2, "projection": true])
        #expect(
            block.nodes.map(\.description) == [
                #"conv1 = cnn.conv2d(x) {"filters":8,"kernel":[3],"stride":[2],"padding":[1],"bias":true}"#,
                "bn1 = core.batch_norm2d(conv1) {}",
                "relu1 = core.relu(bn1) {}",
                #"conv2 = cnn.conv2d(relu1) {"filters":8,"kernel":[3],"stride":[1],"padding":[1],"bias":true}"#,
                "bn2 = core.batch_norm2d(conv2) {}",
                #"downsample.0 = cnn.conv2d(x) {"filters":8,"kernel":[1],"stride":[2],"padding":[0],"bias":true}"#,
                "add = core.add(bn2, downsample.0) {}",
                "relu2 = core.relu(add) {}",
            ])
        #expect(block.outputs == ["relu2"])
    }

    @Test func residualWithoutProjectionAddsItsInput() throws {
        let block = try BlockExpander.expand("cnn.residual", ["filters": 8])
        #expect(block.nodes.first { $0.name == "add" }?.inputs == ["bn2", "x"])
        #expect(!block.nodes.contains { $0.name.hasPrefix("downsample") })
    }

    @Test func residualInTheFormOfTorchvision() throws {
        let block = try BlockExpander.expand(
            "cnn.residual", ["filters": 8, "projection": true, "bias": false, "projection_norm": true])
        #expect(block.nodes.first { $0.name == "add" }?.inputs == ["bn2", "downsample.1"])
        #expect(
            block.nodes.filter { $0.component == "cnn.conv2d" }.allSatisfy { $0.attributes.contains(#""bias":false"#) })
    }

    /// A stride without projection would add images of different sizes.
    @Test(arguments: ["cnn.residual", "cnn.resnet_stage"])
    func strideNeedsAProjection(_ block: String) {
        #expect(throws: BlockExpander.Failure.self) {
            try BlockExpander.expand(block, ["filters": 8, "stride": 2, "projection": false])
        }
    }

    @Test func resnet() throws {
        let block = try BlockExpander.expand("cnn.resnet", ["classes": 10])
        #expect(
            block.nodes.prefix(5).map(\.description) == [
                #"conv1 = cnn.conv2d(x) {"filters":64,"kernel":[7],"stride":[2],"padding":[3],"bias":true}"#,
                "bn1 = core.batch_norm2d(conv1) {}",
                "relu = core.relu(bn1) {}",
                #"maxpool = cnn.max_pool2d(relu) {"size":[3],"stride":[2],"padding":[1]}"#,
                #"layer1.0.conv1 = cnn.conv2d(maxpool) {"filters":64,"kernel":[3],"stride":[1],"padding":[1],"bias":true}"#,
            ])
        #expect(
            block.nodes.suffix(3).map(\.description) == [
                "avgpool = cnn.global_avg_pool2d(layer3.1.relu2) {}",
                "flatten = core.flatten(avgpool) {}",
                #"fc = core.dense(flatten) {"units":10}"#,
            ])
        // The names of the convolutions in torchvision's ResNet-18, without its fourth stage.
        let convolutions = block.nodes.filter { $0.component == "cnn.conv2d" }.map(\.name)
        #expect(
            convolutions == [
                "conv1",
                "layer1.0.conv1", "layer1.0.conv2", "layer1.1.conv1", "layer1.1.conv2",
                "layer2.0.conv1", "layer2.0.conv2", "layer2.0.downsample.0", "layer2.1.conv1", "layer2.1.conv2",
                "layer3.0.conv1", "layer3.0.conv2", "layer3.0.downsample.0", "layer3.1.conv1", "layer3.1.conv2",
            ])
        let strides = block.nodes.filter { $0.attributes.contains(#""stride":[2]"#) }.map(\.name)
        #expect(
            strides == [
                "conv1", "maxpool", "layer2.0.conv1", "layer2.0.downsample.0", "layer3.0.conv1",
                "layer3.0.downsample.0",
            ])
    }

    @Test func resnetForSmallImages() throws {
        let block = try BlockExpander.expand("cnn.resnet", ["stem": "3x3", "filters": [16, 32], "blocks": [1, 3]])
        #expect(!block.nodes.contains { $0.component == "cnn.max_pool2d" || $0.component == "core.dense" })
        #expect(block.outputs == ["avgpool"])
        #expect(
            block.nodes.filter { $0.component == "core.add" }.map(\.name) == [
                "layer1.0.add", "layer2.0.add", "layer2.1.add", "layer2.2.add",
            ])
    }

    @Test func resnetWantsOneNumberPerStage() {
        #expect(throws: BlockExpander.Failure.self) { try BlockExpander.expand("cnn.resnet", ["blocks": [2, 2]]) }
    }

    /// VGG-11 with batch norm: the indices of torchvision's `vgg11_bn`.
    @Test func vgg() throws {
        let block = try BlockExpander.expand("cnn.vgg", ["batch_norm": true, "classes": 1000])
        let convolutions = block.nodes.filter { $0.component == "cnn.conv2d" }.map(\.name)
        #expect(convolutions == [0, 4, 8, 11, 15, 18, 22, 25].map { "features.\($0)" })
        let dense = block.nodes.filter { $0.component == "core.dense" }.map(\.description)
        #expect(
            dense == [
                #"classifier.0 = core.dense(flatten) {"units":4096}"#,
                #"classifier.3 = core.dense(classifier.2) {"units":4096}"#,
                #"classifier.6 = core.dense(classifier.5) {"units":1000}"#,
            ])
        #expect(
            block.nodes.filter { $0.component == "cnn.max_pool2d" }.map(\.name)
                == [3, 7, 14, 21, 28].map { "features.\($0)" })
    }

    @Test func vggWithoutHead() throws {
        let block = try BlockExpander.expand("cnn.vgg", ["convolutions": [2], "filters": [4]])
        #expect(block.nodes.map(\.name) == (0..<5).map { "features.\($0)" })
        #expect(block.outputs == ["features.4"])
    }

    @Test func vggWantsOneNumberPerStage() {
        #expect(throws: BlockExpander.Failure.self) { try BlockExpander.expand("cnn.vgg", ["filters": [64, 128]]) }
    }

    @Test func lenet() throws {
        let block = try BlockExpander.expand("cnn.lenet", ["activation": "core.relu", "pool": "max"])
        #expect(
            block.nodes.map(\.description) == [
                #"conv1 = cnn.conv2d(x) {"filters":6,"kernel":[5],"padding":[2]}"#,
                "act1 = core.relu(conv1) {}",
                #"pool1 = cnn.max_pool2d(act1) {"size":[2]}"#,
                #"conv2 = cnn.conv2d(pool1) {"filters":16,"kernel":[5],"padding":[0]}"#,
                "act2 = core.relu(conv2) {}",
                #"pool2 = cnn.max_pool2d(act2) {"size":[2]}"#,
                "flatten = core.flatten(pool2) {}",
                #"fc1 = core.dense(flatten) {"units":120}"#,
                "act3 = core.relu(fc1) {}",
                #"fc2 = core.dense(act3) {"units":84}"#,
                "act4 = core.relu(fc2) {}",
                #"fc3 = core.dense(act4) {"units":10}"#,
            ])
        #expect(block.outputs == ["fc3"])
    }
}
