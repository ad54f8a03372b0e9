// swift-tools-version: 6.2
// Everything that a plugin author needs. This package builds alone and depends on nothing.
import PackageDescription

let targets: [Target] = [
    // The C ABI: headers, and the one C function that lets Swift closures run on the host's threads.
    .target(name: "CLamina"),
    // Vector exp, log, tanh, … in C vector extensions; the counter-based random generator.
    .target(name: "CLaminaMath", cSettings: [.unsafeFlags(["-O3", "-ffp-contract=off", "-fno-math-errno"])]),
    // Strict JSON and safetensors: formats that both sides of the ABI read.
    .target(name: "LaminaFormats"),
    .target(name: "LaminaSDK", dependencies: ["CLamina"]),
    // Text from models, for plugins: sampling, beam search, and the tasks that several families offer for their models.
    .target(name: "LaminaDecoding", dependencies: ["LaminaFormats", "LaminaSDK"]),
    // Attribute schemas at work: JSON in, checked values in the ABI's form out. For hosts and tests.
    .target(name: "LaminaSchema", dependencies: ["CLamina", "LaminaFormats", "LaminaSDK"]),
    // Replaces malloc in tests by one that counts.
    .target(name: "CAllocationCounter"),
    // checkLayer and its kin: everything that a plugin's tests need, through the C ABI.
    .target(
        name: "LaminaTesting",
        dependencies: [
            "CAllocationCounter", "CLamina", "CLaminaMath", "LaminaFormats", "LaminaSDK", "LaminaSchema",
        ]),
    // The layout of the released ABI, asserted by compiling it as C11 and as C++17.
    .target(
        name: "CLaminaLayout", dependencies: ["CLamina"], path: "Tests/CLaminaLayout", exclude: ["layout-1.0.def"],
        cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Wpedantic", "-Werror"])],
        cxxSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Wpedantic", "-Werror"])]),
    .testTarget(name: "CLaminaTests", dependencies: ["CLamina", "CLaminaLayout"]),
    .testTarget(name: "CLaminaMathTests", dependencies: ["CLaminaMath"]),
    .testTarget(name: "LaminaFormatsTests", dependencies: ["LaminaFormats"]),
    .testTarget(
        name: "LaminaDecodingTests", dependencies: ["LaminaDecoding", "LaminaFormats", "LaminaSDK", "LaminaTesting"]),
    .testTarget(name: "LaminaSchemaTests", dependencies: ["LaminaSchema"]),
    .testTarget(name: "LaminaSDKTests", dependencies: ["LaminaSDK", "LaminaTesting"]),
    // Builds the example in C and loads it.
    .testTarget(name: "ExampleTests", dependencies: ["LaminaSDK", "LaminaTesting"]),
]

let package = Package(
    name: "SDK",
    products: [
        "CAllocationCounter", "CLamina", "CLaminaMath", "LaminaDecoding", "LaminaFormats", "LaminaSDK", "LaminaSchema",
        "LaminaTesting",
    ].map { .library(name: $0, targets: [$0]) },
    targets: targets,
    cLanguageStandard: .c11,
    cxxLanguageStandard: .cxx17
)
