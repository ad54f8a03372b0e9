// swift-tools-version: 6.2
// A whole Lamina plugin in Swift: one layer, its test, and the library that a host loads.
import PackageDescription

let sdk = Context.packageDirectory + "/../.."

let package = Package(
    name: "MinimalSwift",
    products: [.library(name: "MinimalPlugin", type: .dynamic, targets: ["MinimalPlugin"])],
    dependencies: [.package(name: "SDK", path: "../..")],
    targets: [
        // The layer, which tests link.
        .target(name: "Minimal", dependencies: [.product(name: "LaminaSDK", package: "SDK")]),
        // The exported symbol, which only the library has.
        .target(
            name: "MinimalPlugin", dependencies: ["Minimal"],
            linkerSettings: [
                .unsafeFlags(["-Xlinker", "--version-script=\(sdk)/plugin.map", "-Xlinker", "-z", "-Xlinker", "defs"])
            ]),
        .testTarget(
            name: "MinimalTests", dependencies: ["Minimal", .product(name: "LaminaTesting", package: "SDK")],
            exclude: ["Golden"]),
    ]
)
