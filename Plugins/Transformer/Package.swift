// swift-tools-version: 6.2
// The Transformer family, built alone against the SDK.
import Foundation
import PackageDescription

let sdk = Context.packageDirectory + "/../../SDK"
func sdk(_ name: String) -> Target.Dependency { .product(name: name, package: "SDK") }

/// Vector code gives the same bits as the SDK's own kernels: see lamina_vector/vector.h.
let vectorCode: [CSetting] = [.unsafeFlags(["-ffp-contract=off", "-fno-math-errno"])]

let package = Package(
    name: "Transformer",
    products: [.library(name: "TransformerPlugin", type: .dynamic, targets: ["TransformerPlugin"])],
    dependencies: [.package(path: "../../SDK")],
    targets: [
        .target(name: "CTiledAttention", dependencies: [sdk("CLaminaMath")], cSettings: vectorCode),
        .target(name: "CTokenLayers", dependencies: [sdk("CLaminaMath")], cSettings: vectorCode),
        .target(
            name: "Transformer",
            dependencies: [
                sdk("LaminaSDK"), sdk("LaminaDecoding"), sdk("LaminaFormats"), sdk("CLaminaMath"), "CTiledAttention",
                "CTokenLayers",
            ]),
        .target(
            name: "TransformerPlugin", dependencies: ["Transformer"],
            linkerSettings: [
                .unsafeFlags(["-Xlinker", "--version-script=\(sdk)/plugin.map", "-Xlinker", "-z", "-Xlinker", "defs"])
            ]),
    ]
)

// The tests need the SDK's test support.
if FileManager.default.fileExists(atPath: sdk + "/Sources/LaminaTesting") {
    package.targets.append(
        .testTarget(
            name: "TransformerTests",
            dependencies: [
                "Transformer", sdk("CAllocationCounter"), sdk("LaminaDecoding"), sdk("LaminaTesting"),
                sdk("LaminaFormats"),
                sdk("LaminaSchema"),
            ],
            exclude: ["Golden"]))
}
