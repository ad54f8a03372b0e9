// swift-tools-version: 6.2
// The CNN family, built alone against the SDK.
import Foundation
import PackageDescription

let sdk = Context.packageDirectory + "/../../SDK"
func sdk(_ name: String) -> Target.Dependency { .product(name: name, package: "SDK") }

let package = Package(
    name: "CNN",
    products: [.library(name: "CNNPlugin", type: .dynamic, targets: ["CNNPlugin"])],
    dependencies: [.package(path: "../../SDK")],
    targets: [
        .systemLibrary(name: "CDNNL", providers: [.apt(["libdnnl-dev"])]),
        .target(name: "CColumns", dependencies: [sdk("CLaminaMath")]),
        .target(name: "CPooling"),
        .target(name: "CWinograd", dependencies: [sdk("CLaminaMath")]),
        .target(
            name: "CNN",
            dependencies: [sdk("LaminaSDK"), sdk("CLaminaMath"), "CColumns", "CDNNL", "CPooling", "CWinograd"]),
        .target(
            name: "CNNPlugin", dependencies: ["CNN"],
            linkerSettings: [
                .unsafeFlags(["-Xlinker", "--version-script=\(sdk)/plugin.map", "-Xlinker", "-z", "-Xlinker", "defs"])
            ]),
    ]
)

// The tests need the SDK's test support.
if FileManager.default.fileExists(atPath: sdk + "/Sources/LaminaTesting") {
    package.targets.append(
        .testTarget(
            name: "CNNTests",
            dependencies: [
                "CNN", sdk("CAllocationCounter"), sdk("LaminaTesting"), sdk("LaminaFormats"), sdk("LaminaSchema"),
            ],
            exclude: ["Golden"]))
}
