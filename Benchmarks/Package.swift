// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that applications which depend on rlimitd do not resolve hdrhistogram.
//
//     swift build --package-path Benchmarks --scratch-path .build/benchmarks-package

/// The package name that SwiftPM passes to the compiler for the parent folder: the folder's name as an identifier, in
/// which an underscore replaces other characters and a digit at the beginning.
let parentPackageName = String(
    (Context.packageDirectory.split(separator: "/").dropLast().last ?? "").lowercased().enumerated()
        .map { $1.isLetter || $1.isNumber && $0 > 0 ? $1 : "_" })

let package = Package(
    name: "rlimitd-benchmarks",
    products: [.executable(name: "rlimit-bench", targets: ["rlimit-bench"])],
    dependencies: [
        .package(name: "rlimitd", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", exact: "0.2.0"),
    ],
    targets: [
        // The same sets by prlimit(2) in C, for comparison.
        .target(name: "CPrlimitLoop", path: "lib/CPrlimitLoop"),
        .executableTarget(
            name: "rlimit-bench",
            dependencies: [
                "CPrlimitLoop",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
                .product(name: "RlimitClient", package: "rlimitd"),
            ],
            path: "rlimit-bench",
            // SwiftPM would pass the name of this package after the flag below, and the last one counts.
            packageAccess: false,
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .strictMemorySafety(),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
                // Makes declarations of `package` access in the modules of rlimitd visible here, so that they need not
                // be public.
                .unsafeFlags(["-package-name", parentPackageName]),
            ]),
    ],
    cLanguageStandard: .c11
)
