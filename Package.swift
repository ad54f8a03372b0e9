// swift-tools-version: 6.2
import Foundation
import PackageDescription

let root = Context.packageDirectory
func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root + "/" + path) }

/// The plugin families. Each is a folder `Plugins/<Family>` that also builds alone; a missing folder is skipped.
let families = ["Core", "Data", "CNN"].filter { exists("Plugins/\($0)/Package.swift") }

/// System libraries that a family links, by its name.
let systemLibraries: [String: [Target.Dependency]] = [:]

func sdk(_ name: String) -> Target.Dependency { .product(name: name, package: "SDK") }

var targets: [Target] = [
    .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
    .target(
        name: "LaminaArchive",
        dependencies: ["CZip", sdk("LaminaFormats"), .product(name: "Crypto", package: "swift-crypto")]),
    .testTarget(name: "ArchiveTests", dependencies: ["LaminaArchive", sdk("LaminaFormats")]),
].filter { exists(($0.isTest ? "Tests/" : "Sources/") + $0.name) }

let package = Package(
    name: "Lamina",
    dependencies: [
        .package(path: "SDK"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: targets
)
