import Glibc
import RlimitClient
import RlimitKernel

extension BlockingLimitClient {
    /// What would come of edits: the kernel's part worked out here, the agent's asked of it.
    func performDryRun(_ edits: [Edit], on selected: borrowing SelectedProcess) throws(RlimitError) -> Explanation {
        guard strategy == .kernelFirst else { return try explain(edits, on: selected.target) }
        let dryRun = try DryRun(edits, now: try limits(of: selected.target), permission: selected.kernelPermission)
        guard !dryRun.agentEdits.isEmpty else { return dryRun.result() }
        return dryRun.result(try explain(dryRun.agentEdits, on: selected.target))
    }
}

extension SelectedProcess {
    /// What the kernel lets us do to it.
    var kernelPermission: KernelPermission {
        let capabilities = (try? Procfs.detail(of: getpid()))?.capabilities ?? 0
        // In a child user namespace the capability does not raise hard limits.
        if capabilities & (1 << 24) != 0, SystemInfo.isInitialUserNamespace {
            return .everything(openFilesCeiling: SystemInfo.openFilesCeiling().map { Limit.Bound($0) } ?? .infinity)
        }
        return credentials?.are(uid: getuid(), gid: getgid()) == true ? .upToHard : .nothing
    }
}
