// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "classify",
    dependencies: [.package(name: "tiny", path: "../..")],
    targets: [.executableTarget(name: "classify", dependencies: [.product(name: "TinyRuntime", package: "tiny")])]
)
