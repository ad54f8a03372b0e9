import LaminaFormats
import LaminaSDK
import LaminaTesting
import Testing

@testable import RNN

/// What TCN and WaveNet expand to; that they compute what PyTorch does, whole networks show in Tests/EndToEndTests.
@Suite struct ConvolutionalBlockTests {
    private func lines(_ block: ExpandedBlock) -> [String] {
        block.nodes.map { "\($0.name) = \($0.component)(\($0.inputs.joined(separator: ", ")))" }
    }

    @Test func temporalBlock() throws {
        let block = try expand(
            .block(TemporalBlock.self),
            ["filters": 8, "kernel": 3, "dilation": 4, "dropout": 0.1, "projection": true])
        #expect(
            lines(block) == [
                "conv1 = cnn.conv1d(#0)", "relu1 = core.relu(conv1)", "dropout1 = core.dropout(relu1)",
                "conv2 = cnn.conv1d(dropout1)", "relu2 = core.relu(conv2)", "dropout2 = core.dropout(relu2)",
                "downsample = cnn.conv1d(#0)", "add = core.add(dropout2, downsample)", "relu = core.relu(add)",
            ])
        #expect(block.outputs == ["relu"])
        // Two steps of distance 4 before the start, none behind the end.
        for name in ["conv1", "conv2"] {
            let attributes = try #require(block[name]?.attributes)
            #expect(attributes["padding"] == [8, 0] && attributes["dilation"] == [4] && attributes["kernel"] == [3])
        }
        #expect(block["downsample"]?.attributes["kernel"] == [1])
        let plain = try expand(.block(TemporalBlock.self), ["filters": 8])
        #expect(plain["dropout1"] == nil && plain["downsample"] == nil)
        #expect(plain["add"]?.inputs == ["relu2", "#0"])
    }

    @Test func tcn() throws {
        let block = try expand(.block(TCN.self), ["filters": [16, 16, 32], "kernel": 2])
        #expect(
            lines(block) == [
                "transpose = core.permute(#0)", "network.0 = rnn.temporal_block(transpose)",
                "network.1 = rnn.temporal_block(network.0)", "network.2 = rnn.temporal_block(network.1)",
                "transpose_back = core.permute(network.2)",
            ])
        let levels = (0..<3).compactMap { block["network.\($0)"]?.attributes }
        #expect(levels.map { $0["dilation"] } == [1, 2, 4])
        #expect(levels.map { $0["projection"] } == [true, false, true])
        let same = try expand(.block(TCN.self), ["filters": [16], "project": false])
        #expect(same["network.0"]?.attributes["projection"] == false)
    }

    @Test func waveNetBlock() throws {
        let block = try expand(.block(WaveNetBlock.self), ["channels": 4, "skip": 6, "dilation": 8])
        #expect(
            lines(block) == [
                "filter = cnn.conv1d(#0)", "gate = cnn.conv1d(#0)", "tanh = core.tanh(filter)",
                "sigmoid = core.sigmoid(gate)", "gated = core.multiply(tanh, sigmoid)", "skip = cnn.conv1d(gated)",
                "residual = cnn.conv1d(gated)", "add = core.add(residual, #0)",
            ])
        #expect(block.outputs == ["add", "skip"])
        #expect(block["gate"]?.attributes["padding"] == [8, 0])
        let last = try expand(.block(WaveNetBlock.self), ["channels": 4, "skip": 6, "last": true])
        #expect(last["residual"] == nil && last.outputs == ["skip"])
    }

    @Test func waveNet() throws {
        let block = try expand(
            .block(WaveNet.self), ["channels": 4, "outputs": 9, "layers": 2, "stacks": 2, "bias": false])
        #expect(
            lines(block) == [
                "transpose = core.permute(#0)", "causal = cnn.conv1d(transpose)",
                "layers.0 = rnn.wavenet_block(causal)", "layers.1 = rnn.wavenet_block(layers.0)",
                "layers.2 = rnn.wavenet_block(layers.1)", "layers.3 = rnn.wavenet_block(layers.2)",
                "skips = core.add(layers.0:1, layers.1:1, layers.2:1, layers.3)", "relu1 = core.relu(skips)",
                "conv1 = cnn.conv1d(relu1)", "relu2 = core.relu(conv1)", "conv2 = cnn.conv1d(relu2)",
                "transpose_back = core.permute(conv2)",
            ])
        #expect((0..<4).map { block["layers.\($0)"]?.attributes["dilation"] } == [1, 2, 1, 2])
        #expect(block["layers.3"]?.attributes["last"] == true)
        let one = try expand(.block(WaveNet.self), ["channels": 4, "outputs": 9, "layers": 1])
        #expect(one["skips"] == nil && one["relu1"]?.inputs == ["layers.0"])
    }

    @Test func reachesTooFar() throws {
        func text(_ component: Component, _ attributes: JSONObject) -> String {
            do {
                _ = try expand(component, attributes)
                return "accepted"
            } catch { return "\(error)" }
        }
        let levels = JSON.array(Array(repeating: 1, count: 20))
        #expect(
            text(.block(TCN.self), ["filters": levels, "kernel": 3]).contains("2^19 = 1048576 steps, wanted at most"))
        #expect(text(.block(TCN.self), ["filters": levels, "kernel": 2]) == "accepted")
        #expect(
            text(.block(WaveNet.self), ["channels": 1, "outputs": 1, "kernel": 9, "layers": 20])
                .contains("2^19 = 4194304 steps"))
        #expect(
            text(.block(TemporalBlock.self), ["filters": 1, "kernel": 1000, "dilation": 100_000])
                .contains("(kernel - 1) · dilation is 99900000"))
        #expect(
            text(.block(WaveNetBlock.self), ["channels": 1, "skip": 1, "kernel": 1000, "dilation": 100_000])
                .contains("(kernel - 1) · dilation is 99900000"))
    }
}
