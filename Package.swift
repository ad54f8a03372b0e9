// swift-tools-version: 6.2
import Foundation
import PackageDescription

let root = Context.packageDirectory
func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root + "/" + path) }
func folders(_ path: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: root + "/" + path)) ?? []).filter { !$0.hasPrefix(".") }
        .sorted()
}
/// The libraries that a module map links: `link "png"`.
func libraries(_ moduleMap: String) -> [String] {
    let text = (try? String(contentsOfFile: root + "/" + moduleMap, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").filter { $0.contains("link \"") }.map { String($0.split(separator: "\"")[1]) }
}
func sdk(_ name: String) -> Target.Dependency { .product(name: name, package: "SDK") }

/// The plugin families. Each is a folder `Plugins/<Family>` that also builds alone; a missing folder is left out.
let families = ["Core", "Data", "CNN", "RNN", "Transformer", "Word2Vec", "GAN"].filter {
    exists("Plugins/\($0)/Package.swift")
}

/// The plugins linked into a test that runs graphs.
func plugins(_ names: String...) -> [Target.Dependency] {
    names.filter { families.contains($0) }.map { .target(name: $0) }
}

let host: [Target] = [
    .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .target(name: "CCPU"),
    .target(name: "CProduct"),
    .target(
        name: "LaminaArchive",
        dependencies: ["CZip", sdk("LaminaFormats"), .product(name: "Crypto", package: "swift-crypto")]),
    .target(
        name: "LaminaHost",
        dependencies: [
            "CCPU", "CProduct", sdk("CLamina"), sdk("CLaminaMath"), sdk("LaminaFormats"), sdk("LaminaSchema"),
            sdk("LaminaSDK"),
        ]),
    .target(
        name: "LaminaGraph",
        dependencies: ["LaminaHost", sdk("CLamina"), sdk("LaminaFormats"), sdk("LaminaSchema"), sdk("LaminaSDK")]),
    .target(
        name: "LaminaRecipe",
        dependencies: [
            "CYAML", "LaminaHost", "LaminaGraph", sdk("CLamina"), sdk("LaminaFormats"), sdk("LaminaSchema"),
            sdk("LaminaSDK"),
        ]),
    .target(
        name: "LaminaTraining",
        dependencies: [
            "LaminaGraph", "LaminaHost", "LaminaRecipe", sdk("CLamina"), sdk("CLaminaMath"), sdk("LaminaFormats"),
            sdk("LaminaSchema"), sdk("LaminaSDK"),
        ]),
    // What a training run writes beside its model: history, curves, confusion matrix, TensorBoard events.
    .target(name: "LaminaReport", dependencies: [sdk("LaminaFormats")]),
    .target(
        name: "Lamina",
        dependencies: [
            "CCPU", "LaminaArchive", "LaminaGraph", "LaminaHost", "LaminaRecipe", "LaminaTraining", sdk("CLamina"),
            sdk("LaminaFormats"), sdk("LaminaSDK"), .product(name: "Crypto", package: "swift-crypto"),
        ]),
    .executableTarget(
        name: "lamina-cli",
        dependencies: [
            "Lamina", "LaminaArchive", "LaminaGraph", "LaminaHost", "LaminaRecipe", "LaminaReport", "LaminaTraining",
            sdk("LaminaFormats"), sdk("LaminaSchema"), sdk("LaminaSDK"),
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ]),
    .testTarget(name: "ArchiveTests", dependencies: ["LaminaArchive", sdk("LaminaFormats")]),
    .testTarget(name: "ReportTests", dependencies: ["LaminaReport", sdk("LaminaFormats")]),
    .testTarget(name: "HostTests", dependencies: ["LaminaHost", sdk("CLamina"), sdk("LaminaSDK")]),
    .testTarget(
        name: "TrainingTests",
        dependencies: [
            sdk("CAllocationCounter"), "LaminaTraining", "LaminaRecipe", "LaminaGraph", "LaminaHost",
            sdk("LaminaFormats"), sdk("LaminaSDK"),
        ] + plugins("Core", "Data", "CNN", "RNN")),
    .testTarget(
        name: "LaminaTests",
        dependencies: ["Lamina", sdk("CLamina"), sdk("LaminaFormats"), sdk("LaminaSDK")]
            + plugins("Core", "Data", "RNN", "CNN", "GAN"), exclude: ["Golden"]),
    .testTarget(
        name: "GraphTests",
        dependencies: ["LaminaGraph", "LaminaHost", sdk("LaminaSDK"), sdk("LaminaFormats")]
            + plugins("Core", "CNN", "Transformer"), exclude: ["Golden"]),
    .testTarget(
        name: "RecipeTests",
        dependencies: [
            "LaminaRecipe", "LaminaHost", "LaminaGraph", sdk("CLamina"), sdk("LaminaFormats"), sdk("LaminaSDK"),
            sdk("LaminaTesting"),
        ]
            + plugins("Core", "Data", "CNN", "RNN", "Transformer", "Word2Vec", "GAN")),
    // The real command with its plugins beside it, which `make test` builds first.
    .testTarget(name: "EndToEndTests", dependencies: [sdk("LaminaFormats")], exclude: ["Golden"]),
]

/// With this in the environment there are only the plugins and the tests of what is compiled for an instruction set, as
/// `make test-variants` wants them.
let isVariant = Context.environment["LAMINA_VARIANT"] != nil

var targets =
    isVariant
    ? [
        .testTarget(
            name: "CLaminaMathTests", dependencies: [sdk("CLaminaMath")],
            path: "SDK/Tests/CLaminaMathTests")
    ] : host
var products: [Product] =
    isVariant
    ? [] : [.library(name: "Lamina", targets: ["Lamina"]), .executable(name: "lamina", targets: ["lamina-cli"])]

for family in families {
    let folder = "Plugins/\(family)/"
    // Beside the family's own two targets lie modules for C libraries, and C targets on top of them.
    let companions = folders(folder + "Sources").filter { $0 != family && $0 != family + "Plugin" }
    let systemLibraries = companions.filter { exists(folder + "Sources/\($0)/module.modulemap") }
    let linked = systemLibraries.flatMap { libraries(folder + "Sources/\($0)/module.modulemap") }
    let manifest = (try? String(contentsOfFile: root + "/" + folder + "Package.swift", encoding: .utf8)) ?? ""
    // C code is compiled as the family itself does it: to the bit.
    let isExact = manifest.contains("-ffp-contract=off")
    targets += companions.map { name in
        systemLibraries.contains(name)
            ? .systemLibrary(name: name, path: folder + "Sources/\(name)")
            : .target(
                name: name, dependencies: systemLibraries.map { .target(name: $0) } + [sdk("CLaminaMath")],
                path: folder + "Sources/\(name)",
                cSettings: isExact ? [.unsafeFlags(["-ffp-contract=off", "-fno-math-errno"])] : [],
                linkerSettings: linked.map { .linkedLibrary($0) })
    }
    let support = companions.map { Target.Dependency.target(name: $0) }
    // Only some families decode; what the others do not take, is not in their libraries.
    let decoding = manifest.contains("sdk(\"LaminaDecoding\")") ? [sdk("LaminaDecoding")] : []
    targets += [
        .target(
            name: family,
            dependencies: [sdk("LaminaSDK"), sdk("LaminaFormats"), sdk("CLaminaMath")] + decoding + support,
            path: folder + "Sources/\(family)"),
        .target(
            name: family + "Plugin", dependencies: [.target(name: family)], path: folder + "Sources/\(family)Plugin",
            linkerSettings: [
                .unsafeFlags([
                    "-Xlinker", "--version-script=\(root)/SDK/plugin.map", "-Xlinker", "-z", "-Xlinker", "defs",
                ])
            ]),
    ]
    if exists("SDK/Sources/LaminaTesting"), exists(folder + "Tests/\(family)Tests") {
        targets.append(
            .testTarget(
                name: family + "Tests",
                dependencies: [
                    .target(name: family), sdk("LaminaTesting"), sdk("CAllocationCounter"), sdk("LaminaSDK"),
                    sdk("LaminaSchema"),
                    sdk("LaminaFormats"),
                    sdk("CLaminaMath"),
                ] + support, path: folder + "Tests/\(family)Tests",
                exclude: exists(folder + "Tests/\(family)Tests/Golden") ? ["Golden"] : []))
    }
    products.append(.library(name: family + "Plugin", type: .dynamic, targets: [family + "Plugin"]))
}

let package = Package(
    name: "Lamina",
    products: products,
    dependencies: [.package(path: "SDK")]
        + (isVariant
            ? []
            : [
                .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
                .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
            ]),
    targets: targets
)
