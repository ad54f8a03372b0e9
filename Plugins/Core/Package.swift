// swift-tools-version: 6.2
// The Core family, built alone against the SDK.
import PackageDescription

let sdk = Context.packageDirectory + "/../../SDK"
func sdk(_ name: String) -> Target.Dependency { .product(name: name, package: "SDK") }

let package = Package(
    name: "Core",
    products: [.library(name: "CorePlugin", type: .dynamic, targets: ["CorePlugin"])],
    dependencies: [.package(path: "../../SDK")],
    targets: [
        .target(name: "Core", dependencies: [sdk("LaminaSDK"), sdk("CLaminaMath")]),
        .target(
            name: "CorePlugin", dependencies: ["Core"],
            linkerSettings: [
                .unsafeFlags(["-Xlinker", "--version-script=\(sdk)/plugin.map", "-Xlinker", "-z", "-Xlinker", "defs"])
            ]),
        .testTarget(
            name: "CoreTests", dependencies: ["Core", sdk("LaminaTesting")], exclude: ["Golden"]),
    ]
)
