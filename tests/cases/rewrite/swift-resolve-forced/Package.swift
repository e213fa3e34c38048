// swift-tools-version:5.9
import PackageDescription

let package = Package(
    name: "App",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.65.0"),
        .package(path: "Packages/Models"),
    ],
    targets: [.executableTarget(name: "App", dependencies: [.product(name: "NIO", package: "swift-nio"), "Models"])]
)
