// swift-tools-version:5.9
import PackageDescription
import Foundation

let version = try! String(contentsOfFile: "VERSION")
let package = Package(name: "App", targets: [.executableTarget(name: "App")])
