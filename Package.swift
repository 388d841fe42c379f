// swift-tools-version: 6.2
import PackageDescription

// The order of this file is the order of the layers: a target may only depend on targets above it.

/// What every Swift target of this package is built with.
let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Tests may use unsafe buffers freely.
let testSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "rlimitd",
    products: [
        .executable(name: "rlimitd", targets: ["rlimitd"]),
        .executable(name: "rlimitctl", targets: ["rlimitctl"]),
        .executable(name: "rlimit-bench", targets: ["rlimit-bench"]),
        .library(name: "RlimitClient", targets: ["RlimitClient"]),
        .library(name: "RlimitTesting", targets: ["RlimitTesting"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", exact: "0.2.0"),
    ],
    targets: [
        // C: what the system has, what protoc-c generates, what Swift cannot import.
        .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
        .systemLibrary(name: "CCapNG", pkgConfig: "libcap-ng", providers: [.apt(["libcap-ng-dev"])]),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CGetopt"),
        .target(name: "CRlimitProto", dependencies: ["CProtobufC"]),
        .target(name: "CRlimitLinux"),
        .target(name: "CTomlPlusPlus"),

        // The nouns, as pure values.
        .target(name: "RlimitModel", swiftSettings: swiftSettings),

        // Three that never import each other: who may, how it is written, what the kernel says.
        .target(name: "RlimitPolicy", dependencies: ["RlimitModel"], swiftSettings: swiftSettings),
        .target(
            name: "RlimitPolicyFile", dependencies: ["CTomlPlusPlus", "RlimitModel", "RlimitPolicy"],
            swiftSettings: swiftSettings),
        .target(
            name: "RlimitWire", dependencies: ["CProtobufC", "CRlimitProto", "RlimitModel"],
            swiftSettings: swiftSettings),
        .target(
            name: "RlimitKernel", dependencies: ["CCapNG", "CRlimitLinux", "RlimitModel"],
            swiftSettings: swiftSettings),

        // What only the agent needs: applications that import RlimitClient are not linked with it.
        .target(name: "RlimitConfinement", dependencies: ["CSeccomp"], swiftSettings: swiftSettings),

        // The two ends of the socket.
        .target(
            name: "RlimitAgent",
            dependencies: [
                "RlimitKernel", "RlimitModel", "RlimitPolicy", "RlimitPolicyFile", "RlimitConfinement", "RlimitWire",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: swiftSettings),
        .target(
            name: "RlimitClient", dependencies: ["RlimitKernel", "RlimitModel", "RlimitWire"],
            // A call runs where its caller does: no way there and back between executors.
            swiftSettings: swiftSettings + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]),

        // Both ends in one process, for tests of applications: these are linked with the agent's code, and nothing else is.
        .target(
            name: "RlimitTesting",
            dependencies: ["RlimitAgent", "RlimitClient", "RlimitKernel", "RlimitModel", "RlimitPolicy", "RlimitWire"],
            swiftSettings: swiftSettings),

        // Thin mains.
        .executableTarget(
            name: "rlimitd", dependencies: ["CGetopt", "RlimitAgent"], swiftSettings: swiftSettings),
        .executableTarget(
            name: "rlimitctl",
            dependencies: [
                "RlimitClient", "RlimitKernel", "RlimitModel", "RlimitPolicy", "RlimitPolicyFile",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings),

        // What the README shows.
        .executableTarget(
            name: "raise-files", dependencies: ["RlimitClient"], path: "Examples/raise-files",
            swiftSettings: swiftSettings),

        // What calls cost, and what sets cost beside prlimit(2) in C.
        .target(name: "CPrlimitLoop", path: "Benchmarks/lib/CPrlimitLoop"),
        .executableTarget(
            name: "rlimit-bench",
            dependencies: [
                "CPrlimitLoop", "RlimitClient", "RlimitKernel", "RlimitModel", "RlimitWire",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            path: "Benchmarks/rlimit-bench",
            swiftSettings: swiftSettings + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]),

        // Tests mirror the modules; EndToEndTests run the two programs themselves.
        .testTarget(name: "RlimitModelTests", dependencies: ["RlimitModel"], swiftSettings: testSettings),
        .target(name: "SeededRandom", path: "Tests/Support/SeededRandom", swiftSettings: testSettings),
        .target(
            name: "ScriptedAgents", dependencies: ["RlimitModel", "RlimitWire"], path: "Tests/Support/ScriptedAgents",
            swiftSettings: testSettings),
        .target(
            name: "PolicySamples", dependencies: ["RlimitModel", "RlimitPolicy", "SeededRandom"],
            path: "Tests/Support/PolicySamples", swiftSettings: testSettings),
        .testTarget(
            name: "RlimitPolicyTests", dependencies: ["PolicySamples", "RlimitModel", "RlimitPolicy"],
            swiftSettings: testSettings),
        .testTarget(
            name: "RlimitPolicyFileTests",
            dependencies: ["PolicySamples", "RlimitModel", "RlimitPolicy", "RlimitPolicyFile"],
            swiftSettings: testSettings),
        .target(name: "CAllocationCounter", path: "Tests/Support/CAllocationCounter"),
        .testTarget(
            name: "RlimitWireTests",
            dependencies: [
                "CAllocationCounter", "CProtobufC", "CRlimitProto", "RlimitModel", "RlimitWire", "SeededRandom",
            ],
            swiftSettings: testSettings),
        .target(name: "CTestKernel", path: "Tests/Support/CTestKernel"),
        .executableTarget(
            name: "controlled-process", dependencies: ["CTestKernel"], path: "Tests/Programs/controlled-process"),
        .target(
            name: "ControlledProcesses", dependencies: ["CTestKernel", "RlimitModel", "controlled-process"],
            path: "Tests/Support/ControlledProcesses",
            swiftSettings: testSettings),
        .executableTarget(
            name: "kernel-probe",
            dependencies: ["CRlimitLinux", "CTestKernel", "RlimitKernel", "RlimitModel", "RlimitConfinement"],
            path: "Tests/Programs/kernel-probe", swiftSettings: testSettings),
        .testTarget(
            name: "RlimitKernelTests",
            dependencies: ["CRlimitLinux", "CTestKernel", "RlimitKernel", "RlimitModel", "kernel-probe"],
            swiftSettings: testSettings),
        .testTarget(
            name: "RlimitAgentTests",
            dependencies: [
                "CTestKernel", "PolicySamples", "ControlledProcesses", "RlimitAgent", "RlimitKernel", "RlimitModel",
                "RlimitPolicy",
                "RlimitPolicyFile", "RlimitWire", "SeededRandom", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: testSettings),
        .executableTarget(
            name: "client-probe", dependencies: ["RlimitClient"], path: "Tests/Programs/client-probe",
            swiftSettings: testSettings),
        .testTarget(
            name: "RlimitClientTests",
            dependencies: [
                "CAllocationCounter", "RlimitClient", "RlimitKernel", "RlimitModel", "RlimitTesting", "RlimitWire",
                "client-probe", "raise-files", "ScriptedAgents", "SeededRandom",
            ],
            swiftSettings: testSettings),
        .executableTarget(
            name: "testing-probe", dependencies: ["RlimitClient", "RlimitTesting"],
            path: "Tests/Programs/testing-probe",
            swiftSettings: testSettings),
        .executableTarget(
            name: "conformance-adapter", dependencies: ["RlimitClient"], path: "Tests/Programs/conformance-adapter",
            swiftSettings: testSettings),
        .testTarget(
            name: "RlimitTestingTests", dependencies: ["RlimitClient", "RlimitTesting", "testing-probe"],
            swiftSettings: testSettings),
        .testTarget(
            name: "RlimitctlTests",
            dependencies: [
                "PolicySamples", "RlimitKernel", "RlimitModel", "RlimitPolicy", "RlimitPolicyFile", "RlimitWire",
                "rlimitctl", "ScriptedAgents",
            ],
            swiftSettings: testSettings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "CTestKernel", "ControlledProcesses", "RlimitClient", "RlimitKernel", "RlimitModel", "RlimitTesting",
                "RlimitWire", "SeededRandom",
                "client-probe", "raise-files", "rlimit-bench", "rlimitctl", "rlimitd",
            ],
            swiftSettings: testSettings),
    ],
    cLanguageStandard: .c11,
    cxxLanguageStandard: .cxx17
)
