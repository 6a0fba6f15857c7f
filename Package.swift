// swift-tools-version: 6.1
// Train a small network, convert it to int8, classify photos offline: see docs/architecture.md for what each target is for.
import PackageDescription

let package = Package(
    name: "tiny",
    products: [
        .library(name: "TinyRuntime", targets: ["TinyRuntime"]),
        .executable(name: "tiny", targets: ["tiny"]),
        .executable(name: "tinyrt", targets: ["tinyrt"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    ],
    targets: [
        // The device: everything below compiles in the Embedded subset and needs only a libc (and libjpeg for `tinyrt`).
        .target(name: "CTinyKernels", path: "Sources/TinyRuntime/Kernels"),
        .target(name: "TinyRuntime", dependencies: ["CTinyKernels"], exclude: ["Kernels", "JPEG"]),
        .target(name: "CTinyJPEG", dependencies: ["CTinyKernels", "CImageShim"], path: "Sources/TinyRuntime/JPEG"),
        .target(name: "CDeviceShim", path: "Sources/tinyrt/CDeviceShim"),
        .executableTarget(
            name: "tinyrt", dependencies: ["TinyRuntime", "CImageShim", "CDeviceShim"], exclude: ["CDeviceShim"]),

        // The workstation.
        .target(
            name: "CImageShim", path: "Sources/ImageCodec/CImageShim",
            linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png")]),
        .target(name: "ImageCodec", dependencies: ["CImageShim", "TinyRuntime"], exclude: ["CImageShim"]),
        .target(
            name: "CTensorKernels", path: "Sources/Tensors/Kernels",
            linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("pthread")]),
        .target(name: "Tensors", dependencies: ["CTensorKernels"], exclude: ["Kernels"]),
        .target(
            name: "ModelGraph",
            dependencies: ["Tensors", "TinyRuntime", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
            exclude: ["ONNX/onnx.proto"]),
        .target(name: "Converter", dependencies: ["ModelGraph", "Tensors", "ImageCodec", "TinyRuntime"]),
        .target(
            name: "Trainer",
            dependencies: [
                "ModelGraph", "Tensors", "ImageCodec", "TinyRuntime", .product(name: "Logging", package: "swift-log"),
            ]),
        .executableTarget(
            name: "tiny",
            dependencies: [
                "Trainer", "Converter", "ModelGraph", "Tensors", "TinyRuntime", "ImageCodec", "CDeviceShim",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]),

        // Measuring, not shipped: see docs/benchmarks.md.
        .executableTarget(
            name: "TrainingStep", dependencies: ["Trainer", "Tensors"], path: "Benchmarks/TrainingStep"),

        // Tests: one folder a module; run them with ./tools/test.
        .target(name: "TestSupport", dependencies: ["ModelGraph", "Tensors"], path: "Tests/TestSupport"),
        .testTarget(
            name: "TinyRuntimeTests", dependencies: ["TinyRuntime", "CTinyKernels", "CTinyJPEG", "ImageCodec"],
            exclude: ["Goldens"]),
        .testTarget(
            name: "ImageCodecTests", dependencies: ["ImageCodec", "TinyRuntime", "TestSupport"], exclude: ["Goldens"]),
        .testTarget(name: "TensorsTests", dependencies: ["Tensors", "TestSupport"], exclude: ["Goldens"]),
        .testTarget(name: "ModelGraphTests", dependencies: ["ModelGraph", "TinyRuntime", "TestSupport"], exclude: ["Goldens"]),
        .testTarget(
            name: "ConverterTests", dependencies: ["Converter", "ModelGraph", "Tensors", "TinyRuntime", "TestSupport"],
            exclude: ["Goldens"]),
        .testTarget(
            name: "TrainerTests",
            dependencies: [
                "Trainer", "Converter", "ModelGraph", "Tensors", "ImageCodec", "TinyRuntime", "TestSupport",
            ],
            exclude: ["Goldens"]),
        .testTarget(name: "DeviceShimTests", dependencies: ["CDeviceShim"]),
        .testTarget(
            name: "EndToEndTests", dependencies: ["tiny", "tinyrt", "TinyRuntime", "ImageCodec", "TestSupport"],
            exclude: ["Faults"]),
    ],
    cLanguageStandard: .c11
)
