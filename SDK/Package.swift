// swift-tools-version: 6.2
// Everything that a plugin author needs. This package builds alone and depends on nothing.
import Foundation
import PackageDescription

/// Targets join as their folders appear, so that each part can be worked on alone.
func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: Context.packageDirectory + "/" + path)
}

let targets: [Target] = [
    // The C ABI: headers, and the one C function that lets Swift closures run on the host's threads.
    .target(name: "CLamina"),
    // Vector exp, log, tanh, … in C vector extensions; the counter-based random generator.
    .target(name: "CLaminaMath", cSettings: [.unsafeFlags(["-O3", "-ffp-contract=off", "-fno-math-errno"])]),
    // Strict JSON and safetensors: formats that both sides of the ABI read.
    .target(name: "LaminaFormats"),
    .target(name: "LaminaSDK", dependencies: ["CLamina"]),
    // Attribute schemas at work: JSON in, checked values in the ABI's form out. For hosts and tests.
    .target(name: "LaminaSchema", dependencies: ["CLamina", "LaminaFormats", "LaminaSDK"]),
    // checkLayer and its kin: everything that a plugin's tests need, through the C ABI.
    .target(
        name: "LaminaTesting", dependencies: ["CLamina", "CLaminaMath", "LaminaFormats", "LaminaSDK", "LaminaSchema"]),
    .testTarget(name: "CLaminaTests", dependencies: ["CLamina"]),
    .testTarget(name: "CLaminaMathTests", dependencies: ["CLaminaMath"]),
    .testTarget(name: "LaminaFormatsTests", dependencies: ["LaminaFormats"]),
    .testTarget(name: "LaminaSchemaTests", dependencies: ["LaminaSchema"]),
    .testTarget(name: "LaminaSDKTests", dependencies: ["LaminaSDK", "LaminaTesting"]),
].filter { exists(($0.isTest ? "Tests/" : "Sources/") + $0.name) }

let package = Package(
    name: "SDK",
    products: ["CLamina", "CLaminaMath", "LaminaFormats", "LaminaSDK", "LaminaSchema", "LaminaTesting"]
        .filter { exists("Sources/" + $0) }
        .map { .library(name: $0, targets: [$0]) },
    targets: targets
)
