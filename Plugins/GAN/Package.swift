// swift-tools-version: 6.2
// The GAN family, built alone against the SDK.
import Foundation
import PackageDescription

let sdk = Context.packageDirectory + "/../../SDK"
func sdk(_ name: String) -> Target.Dependency { .product(name: name, package: "SDK") }

let package = Package(
    name: "GAN",
    products: [.library(name: "GANPlugin", type: .dynamic, targets: ["GANPlugin"])],
    dependencies: [.package(path: "../../SDK")],
    targets: [
        .systemLibrary(name: "CLibPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .target(
            name: "GAN",
            dependencies: [
                sdk("LaminaSDK"), sdk("LaminaDecoding"), sdk("LaminaFormats"), sdk("CLaminaMath"), "CLibPNG",
            ]),
        .target(
            name: "GANPlugin", dependencies: ["GAN"],
            linkerSettings: [
                .unsafeFlags(["-Xlinker", "--version-script=\(sdk)/plugin.map", "-Xlinker", "-z", "-Xlinker", "defs"])
            ]),
    ]
)

// The tests need the SDK's test support.
if FileManager.default.fileExists(atPath: sdk + "/Sources/LaminaTesting") {
    package.targets.append(
        .testTarget(
            name: "GANTests",
            dependencies: [
                "GAN", sdk("CAllocationCounter"), sdk("LaminaTesting"), sdk("LaminaFormats"), sdk("LaminaSchema"),
            ],
            exclude: ["Golden"]))
}
