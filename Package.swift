// swift-tools-version: 6.2
import PackageDescription

// The targets stand in the order of the layers: a target depends only on targets above it.

/// The settings of every Swift target that is not a test.
let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// The settings of tests, which may use unsafe buffers without a mark.
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
        .library(name: "RlimitClient", targets: ["RlimitClient"]),
        .library(name: "RlimitTesting", targets: ["RlimitTesting"]),
    ],
    // Ranges, because applications resolve these packages too. Releases use the versions in
    // scripts/lib/resolved-versions.
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        // C: system libraries, the code that protoc-c generates, and system calls that Swift cannot import.
        .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
        .systemLibrary(name: "CCapNG", pkgConfig: "libcap-ng", providers: [.apt(["libcap-ng-dev"])]),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CGetopt"),
        .target(name: "CRlimitProto", dependencies: ["CProtobufC"]),
        .target(name: "CRlimitLinux"),
        .target(name: "CTomlPlusPlus"),

        // The values that all other targets share. No system calls.
        .target(name: "RlimitModel", swiftSettings: swiftSettings),

        // Authorization, encoding and system calls. These three never import each other.
        .target(name: "RlimitPolicy", dependencies: ["RlimitModel"], swiftSettings: swiftSettings),
        .target(
            name: "RlimitPolicyFile", dependencies: ["CTomlPlusPlus", "RlimitModel", "RlimitPolicy"],
            swiftSettings: swiftSettings),
        .target(
            name: "RlimitWire", dependencies: ["CProtobufC", "CRlimitProto", "RlimitModel"],
            swiftSettings: swiftSettings),
        .target(
            name: "RlimitKernel", dependencies: ["CRlimitLinux", "RlimitModel"], swiftSettings: swiftSettings),

        // Privileges and sandbox of the agent. Applications that import RlimitClient are linked with neither libcap-ng
        // nor libseccomp; scripts/lib/check-library tests that.
        .target(
            name: "RlimitConfinement", dependencies: ["CCapNG", "CRlimitLinux", "CSeccomp", "RlimitKernel"],
            swiftSettings: swiftSettings),

        // The two ends of the socket.
        .target(
            name: "RlimitAgent",
            dependencies: [
                "RlimitConfinement", "RlimitKernel", "RlimitModel", "RlimitPolicy", "RlimitPolicyFile", "RlimitWire",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: swiftSettings),
        .target(
            name: "RlimitClient", dependencies: ["RlimitKernel", "RlimitModel", "RlimitWire"],
            // An async call runs on its caller's executor, without a hop to another one and back.
            swiftSettings: swiftSettings + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]),

        // Both ends in one process, for tests of applications. Other applications do not contain the agent's code.
        .target(
            name: "RlimitTesting",
            dependencies: ["RlimitAgent", "RlimitClient", "RlimitKernel", "RlimitModel", "RlimitPolicy", "RlimitWire"],
            swiftSettings: swiftSettings),

        // The two programs: command line only.
        .executableTarget(
            name: "rlimitd", dependencies: ["CGetopt", "RlimitAgent"], swiftSettings: swiftSettings),
        .executableTarget(
            name: "rlimitctl",
            dependencies: [
                "RlimitClient", "RlimitKernel", "RlimitModel", "RlimitPolicy", "RlimitPolicyFile",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings),

        // The example of README.md.
        .executableTarget(
            name: "raise-files", dependencies: ["RlimitClient"], path: "Examples/raise-files",
            swiftSettings: swiftSettings),

        // One test target for each module. EndToEndTests run the built programs, and rlimit-bench from Benchmarks.
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
            dependencies: ["CRlimitLinux", "CTestKernel", "RlimitConfinement", "RlimitKernel", "RlimitModel"],
            path: "Tests/Programs/kernel-probe", swiftSettings: testSettings),
        .testTarget(
            name: "RlimitKernelTests",
            dependencies: [
                "CRlimitLinux", "CTestKernel", "RlimitConfinement", "RlimitKernel", "RlimitModel", "kernel-probe",
            ],
            swiftSettings: testSettings),
        .testTarget(
            name: "RlimitAgentTests",
            dependencies: [
                "CTestKernel", "ControlledProcesses", "PolicySamples", "RlimitAgent", "RlimitConfinement",
                "RlimitKernel", "RlimitModel", "RlimitPolicy", "RlimitPolicyFile", "RlimitWire", "SeededRandom",
                .product(name: "Logging", package: "swift-log"),
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
                "RlimitWire", "SeededRandom", "client-probe", "raise-files", "rlimitctl", "rlimitd",
            ],
            swiftSettings: testSettings),
    ],
    cLanguageStandard: .c11,
    cxxLanguageStandard: .cxx17
)
