// swift-tools-version: 6.2
import Foundation
import PackageDescription

let root = Context.packageDirectory
func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root + "/" + path) }
func sdk(_ name: String) -> Target.Dependency { .product(name: name, package: "SDK") }

/// The plugin families. Each is a folder `Plugins/<Family>` that also builds alone; a missing folder is left out.
let families = ["Core", "Data", "CNN"].filter { exists("Plugins/\($0)/Package.swift") }

/// C targets of a family, which live in its own Sources folder.
let familyTargets: [String: [Target]] = [
    "Data": [
        .systemLibrary(
            name: "CZlib", path: "Plugins/Data/Sources/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(
            name: "CNettle", path: "Plugins/Data/Sources/CNettle", pkgConfig: "nettle",
            providers: [.apt(["nettle-dev"])]),
        .systemLibrary(
            name: "CPNG", path: "Plugins/Data/Sources/CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(
            name: "CJPEG", path: "Plugins/Data/Sources/CJPEG", pkgConfig: "libjpeg",
            providers: [.apt(["libjpeg62-turbo-dev"])]),
        .target(name: "CImage", dependencies: ["CPNG", "CJPEG"], path: "Plugins/Data/Sources/CImage"),
    ],
    "CNN": [
        .systemLibrary(name: "CDNNL", path: "Plugins/CNN/Sources/CDNNL", providers: [.apt(["libdnnl-dev"])])
    ],
]

/// What the family's Swift module depends on beside the SDK.
let familyDependencies: [String: [Target.Dependency]] = [
    "Data": [sdk("LaminaFormats"), "CImage", "CZlib", "CNettle"],
    "CNN": ["CDNNL"],
]

var products: [Product] = [
    .library(name: "Lamina", targets: ["Lamina"]),
    .executable(name: "lamina", targets: ["lamina-cli"]),
]

var targets: [Target] = [
    .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
    .systemLibrary(name: "CCPU"),
    .target(
        name: "LaminaArchive",
        dependencies: ["CZip", sdk("LaminaFormats"), .product(name: "Crypto", package: "swift-crypto")]),
    .target(
        name: "LaminaHost",
        dependencies: ["CCPU", sdk("CLamina"), sdk("CLaminaMath"), sdk("LaminaFormats"), sdk("LaminaSchema"), sdk("LaminaSDK")]),
    .target(
        name: "LaminaGraph",
        dependencies: ["LaminaHost", sdk("CLamina"), sdk("LaminaFormats"), sdk("LaminaSchema"), sdk("LaminaSDK")]),
    .testTarget(name: "ArchiveTests", dependencies: ["LaminaArchive", sdk("LaminaFormats")]),
    .testTarget(name: "HostTests", dependencies: ["LaminaHost", sdk("LaminaSDK")]),
    .testTarget(name: "GraphTests", dependencies: ["LaminaGraph", sdk("LaminaSDK")]),
].filter { exists(($0.isTest ? "Tests/" : "Sources/") + $0.name) }

products = products.filter { product in
    targets.contains { $0.name == (product.name == "lamina" ? "lamina-cli" : product.name) }
}

for family in families {
    let folder = "Plugins/\(family)/"
    targets += familyTargets[family] ?? []
    targets += [
        .target(
            name: family, dependencies: [sdk("LaminaSDK"), sdk("CLaminaMath")] + (familyDependencies[family] ?? []),
            path: folder + "Sources/\(family)"),
        .target(
            name: family + "Plugin", dependencies: [.target(name: family)], path: folder + "Sources/\(family)Plugin",
            linkerSettings: [
                .unsafeFlags(["-Xlinker", "--version-script=\(root)/SDK/plugin.map", "-Xlinker", "-z", "-Xlinker", "defs"])
            ]),
    ]
    products.append(.library(name: family + "Plugin", type: .dynamic, targets: [family + "Plugin"]))
}

let package = Package(
    name: "Lamina",
    products: products,
    dependencies: [
        .package(path: "SDK"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: targets
)
