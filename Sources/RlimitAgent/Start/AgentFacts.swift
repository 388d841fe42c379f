import RlimitKernel
import RlimitModel
import RlimitPolicy
import RlimitWire

/// Facts about the agent and its kernel that do not change while it runs.
package struct AgentFacts: Sendable {
    /// The agent's own pid. The agent never changes its own limits for a caller.
    let pid: Int32
    let kernelRelease: String
    let openFilesCeiling: UInt64
    let canRaise: Bool
    let features: [String]
    /// The main policy file, which need not exist.
    let policyPath: String?
    /// What the agent cannot know or do where it was started, one sentence each.
    let warnings: [String]

    package init(
        pid: Int32, kernelRelease: String, openFilesCeiling: UInt64, canRaise: Bool, features: [String],
        policyPath: String? = nil, warnings: [String] = []
    ) {
        self.pid = pid
        self.kernelRelease = kernelRelease
        self.openFilesCeiling = openFilesCeiling
        self.canRaise = canRaise
        self.features = features
        self.policyPath = policyPath
        self.warnings = warnings
    }

    static func probe(canRaise: Bool, policyPath: String? = nil, warnings: [String] = []) -> AgentFacts {
        let kernel = KernelFeatures.probed
        var features: [Feature] = [.batch, .explain, .pidfd, .usage, .leases, .cgroups, .pods, .pidIdentity]
        if kernel.hasPeerPidfd { features.append(.peerPidfd) }
        if kernel.hasPidfdInfo { features.append(.pidfdInfo) }
        return AgentFacts(
            pid: OwnProcess.pid, kernelRelease: SystemInfo.kernelRelease,
            openFilesCeiling: SystemInfo.openFilesCeiling() ?? Policy.standardOpenFilesCeiling.rawValue,
            canRaise: canRaise, features: features.map(\.rawValue), policyPath: policyPath, warnings: warnings)
    }

    func info(for peer: Peer, policy: PolicyStatus, mayAttachPidfd: Bool) -> AgentInfo {
        AgentInfo(
            version: agentVersion, kernel: kernelRelease, features: features, openFilesCeiling: openFilesCeiling,
            canRaise: canRaise, policy: policy.text, policyGeneration: policy.generation, policyPath: policyPath,
            warnings: warnings, caller: AgentInfo.Caller(peer, mayAttachPidfd: mayAttachPidfd))
    }
}

package let agentVersion = productVersion
