import LaminaSDK

/// What the RNN plugin offers. Each folder lists its own components.
public enum RNNCatalogue {
    public static var plugin: Plugin {
        Plugin(
            id: "rnn", name: "RNN", version: "1.0.0", license: "Apache-2.0",
            documentation: "Recurrent layers for sequences: Elman, LSTM and GRU, and what goes with them.",
            components: layers + blocks + initializers + batchTransforms + tasks)
    }
}
