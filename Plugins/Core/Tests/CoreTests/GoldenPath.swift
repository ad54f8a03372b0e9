import Foundation

/// The path of a golden file beside the tests.
func golden(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden/\(name).safetensors")
        .path
}
