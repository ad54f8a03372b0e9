// swift-tools-version: 6.2
// The Data family, built alone against the SDK.
import PackageDescription

let sdk = Context.packageDirectory + "/../../SDK"
func sdk(_ name: String) -> Target.Dependency { .product(name: name, package: "SDK") }

let package = Package(
    name: "Data",
    products: [.library(name: "DataPlugin", type: .dynamic, targets: ["DataPlugin"])],
    dependencies: [.package(path: "../../SDK")],
    targets: [
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CNettle", pkgConfig: "nettle", providers: [.apt(["nettle-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg62-turbo-dev"])]),
        // libpng and libjpeg leave their functions by longjmp, which must not cross Swift frames: hence C.
        .target(name: "CImage", dependencies: ["CPNG", "CJPEG"]),
        .target(
            name: "Data", dependencies: [sdk("LaminaSDK"), sdk("LaminaFormats"), "CImage", "CZlib", "CNettle"]),
        .target(
            name: "DataPlugin", dependencies: ["Data"],
            linkerSettings: [
                .unsafeFlags(["-Xlinker", "--version-script=\(sdk)/plugin.map", "-Xlinker", "-z", "-Xlinker", "defs"])
            ]),
        .testTarget(
            name: "DataTests",
            dependencies: ["Data", sdk("LaminaTesting"), sdk("LaminaFormats"), "CZlib"],
            exclude: ["Golden"]),
    ]
)
