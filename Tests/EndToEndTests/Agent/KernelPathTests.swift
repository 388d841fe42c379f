import Foundation
import RlimitKernel
import Testing

/// The kernel features that the agent uses. They follow from the kernel version. The tests run on a kernel below 6.5,
/// on one below 6.13, and on a later one.
@Suite("Kernel features")
struct KernelPathTests {
    private static let version: (major: Int, minor: Int) = {
        let numbers = SystemInfo.kernelRelease.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        return numbers.count == 2 ? (numbers[0], numbers[1]) : (0, 0)
    }()
    private static let pinsPeers = version >= (6, 5)
    private static let hasPidfdInfo = version >= (6, 13)

    @Test func `The probed features match the kernel version`() {
        #expect(Self.version > (5, 9), "\(SystemInfo.kernelRelease)")
        #expect(KernelFeatures.probed.hasPeerPidfd == Self.pinsPeers, "\(SystemInfo.kernelRelease)")
        #expect(KernelFeatures.probed.hasPidfdInfo == Self.hasPidfdInfo, "\(SystemInfo.kernelRelease)")
    }

    @Test func `The status shows the kernel's features and whether the caller is pinned`() throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        let result = try Rlimitctl(agent, as: .alice)("--json", "status")
        let status = try JSONObject(result.output)
        #expect(status["kernel"].text == SystemInfo.kernelRelease)
        let features = (0..<32).compactMap { status["features"][$0].text }
        #expect(features.contains("batch"), "the test does not find features")
        #expect(features.contains("peer-pidfd") == Self.pinsPeers, "\(features)")
        #expect(features.contains("pidfd-info") == Self.hasPidfdInfo, "\(features)")
        #expect(status["caller"]["isPinned"].number == (Self.pinsPeers ? 1 : 0))
        #expect((status["caller"]["cgroup"].text != nil) == Self.pinsPeers)
        // Where the kernel lacks the features, the agent reads /proc.
        #expect(status["caller"]["namespaceDepth"].number == 1)
        #expect(status["caller"]["hasMixedIDs"].number == 0)
    }
}
