// swift-tools-version: 6.2
// The RNN family, built alone against the SDK.
import Foundation
import PackageDescription

let sdk = Context.packageDirectory + "/../../SDK"
func sdk(_ name: String) -> Target.Dependency { .product(name: name, package: "SDK") }

let package = Package(
    name: "RNN",
    products: [.library(name: "RNNPlugin", type: .dynamic, targets: ["RNNPlugin"])],
    dependencies: [.package(path: "../../SDK")],
    targets: [
        .target(name: "CAttention", dependencies: [sdk("CLaminaMath")]),
        .target(name: "CRecurrent", dependencies: [sdk("CLaminaMath")]),
        .target(
            name: "RNN",
            dependencies: [
                sdk("LaminaSDK"), sdk("LaminaDecoding"), sdk("LaminaFormats"), sdk("CLaminaMath"), "CAttention",
                "CRecurrent",
            ]),
        .target(
            name: "RNNPlugin", dependencies: ["RNN"],
            linkerSettings: [
                .unsafeFlags(["-Xlinker", "--version-script=\(sdk)/plugin.map", "-Xlinker", "-z", "-Xlinker", "defs"])
            ]),
    ]
)

// The tests need the SDK's test support.
if FileManager.default.fileExists(atPath: sdk + "/Sources/LaminaTesting") {
    package.targets.append(
        .testTarget(
            name: "RNNTests",
            dependencies: [
                "RNN", sdk("CAllocationCounter"), sdk("LaminaTesting"), sdk("LaminaFormats"), sdk("LaminaSchema"),
            ],
            exclude: ["Golden"]))
}
