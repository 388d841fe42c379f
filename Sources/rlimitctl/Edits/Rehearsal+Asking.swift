import Glibc
import RlimitClient
import RlimitKernel

extension BlockingLimitClient {
    /// What would come of edits: the kernel's part worked out here, the agent's asked of it.
    func rehearse(_ edits: [Edit], on chosen: borrowing ChosenProcess) throws(RlimitError) -> Explanation {
        guard strategy == .kernelFirst else { return try explain(edits, on: chosen.target) }
        let rehearsal = try Rehearsal(edits, now: try limits(of: chosen.target), leave: chosen.kernelLeave)
        guard !rehearsal.question.isEmpty else { return rehearsal.answer() }
        return rehearsal.answer(try explain(rehearsal.question, on: chosen.target))
    }
}

extension ChosenProcess {
    /// What the kernel lets us do to it.
    var kernelLeave: KernelLeave {
        let capabilities = (try? Procfs.detail(of: getpid()))?.capabilities ?? 0
        // In a child user namespace the capability does not raise hard limits.
        if capabilities & (1 << 24) != 0, SystemFacts.isInitialUserNamespace {
            return .everything(openFilesCeiling: SystemFacts.openFilesCeiling().map { Limit.Bound($0) } ?? .infinity)
        }
        return credentials?.are(uid: getuid(), gid: getgid()) == true ? .upToHard : .nothing
    }
}
