import Foundation
import Testing

/// Comparison of `rlimitctl explain --as-user`, which evaluates the policy itself, with the agent's answer to that
/// user.
@Suite("rlimitctl explain --as-user", .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct AsUserNeedsCapability {
    private static let policy = """
        version = 1
        [[allow]]
        name = "files"
        caller.users = ["daemon"]
        limits = { nofile = 7000, nice = "-5" }
        [[allow]]
        name = "cores for a while"
        caller.users = ["daemon"]
        limits.core = "unlimited"
        lease = { max = "1h", required = true }
        [[allow]]
        name = "bin's memory"
        caller.users = ["daemon"]
        target = { relation = "any", users = ["bin"] }
        limits.memlock = "1G"
        [[deny]]
        name = "few processes"
        caller = "everyone"
        above.nproc = 100
        [[deny]]
        name = "no priorities"
        caller = "everyone"
        limits = ["rtprio"]
        """

    // The first paragraph of the answer. The rest shows how to change the policy.
    private func answer(_ result: ChildProcess.Result) -> [String] {
        let text = result.output.components(separatedBy: "\n\n")[0]
        return ["\(result.status)"]
            + text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
    }

    @Test(arguments: [
        [], ["nofile=5000"], ["nofile=7000", "memlock=1G"], ["nofile=50000"], ["core=unlimited"], ["nproc=10000000"],
        ["rtprio=50"], ["memlock=900M"], ["nofile=max"], ["nofile=64"], ["stack=unlimited"],
    ])
    func `The answer for --as-user equals the agent's answer to that user`(edits: [String]) throws {
        let agent = try AgentProcess(policy: Self.policy)
        let daemon = Account(uid: 1, gid: 1), bin = Account(uid: 2, gid: 2)
        let limits = [
            "--nofile=1024:4096", "--core=0:0", "--nproc=50:60", "--stack=8388608:8388608", "--memlock=65536",
        ]
        for account in [daemon, bin, .root] {
            let sample = try SampleProcess(as: account, limits: limits), pid = "\(sample.pid)"
            let asked = try Rlimitctl(agent, as: daemon)(words: ["explain", "--agent", "--pid", pid] + edits)
            let asUser = try Rlimitctl(agent, as: .root)(
                words: ["explain", "--as-user", "daemon", "--policy", agent.folder.policyFile, "--pid", pid] + edits)
            if account == .root, !edits.isEmpty {
                // The caller may not read these limits, so the explanation ends there.
                #expect(asked.status == 77 && asked.error.contains("no rule lets uid 1"), "\(asked.error)")
                #expect(asUser.status == 77, "\(asUser.output)")
                continue
            }
            #expect(answer(asUser) == answer(asked), "\(account.uid): \(asked.error) \(asUser.error)")
            #expect(!asked.output.isEmpty, "\(asked.error)")
        }
    }
}
