// swift-tools-version: 6.2
// The Word2Vec family, built alone against the SDK.
import Foundation
import PackageDescription

let sdk = Context.packageDirectory + "/../../SDK"
func sdk(_ name: String) -> Target.Dependency { .product(name: name, package: "SDK") }

let package = Package(
    name: "Word2Vec",
    products: [.library(name: "Word2VecPlugin", type: .dynamic, targets: ["Word2VecPlugin"])],
    dependencies: [.package(path: "../../SDK")],
    targets: [
        .target(name: "CWord2Vec", dependencies: [sdk("CLaminaMath")]),
        .target(name: "Word2Vec", dependencies: [sdk("LaminaSDK"), sdk("LaminaFormats"), "CWord2Vec"]),
        .target(
            name: "Word2VecPlugin", dependencies: ["Word2Vec"],
            linkerSettings: [
                .unsafeFlags(["-Xlinker", "--version-script=\(sdk)/plugin.map", "-Xlinker", "-z", "-Xlinker", "defs"])
            ]),
    ]
)

// The tests need the SDK's test support.
if FileManager.default.fileExists(atPath: sdk + "/Sources/LaminaTesting") {
    package.targets.append(
        .testTarget(
            name: "Word2VecTests",
            dependencies: [
                "Word2Vec", "CWord2Vec", sdk("CAllocationCounter"), sdk("LaminaTesting"), sdk("LaminaFormats"),
                sdk("LaminaSchema"),
            ]))
}
