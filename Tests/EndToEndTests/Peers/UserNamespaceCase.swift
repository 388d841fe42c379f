import ControlledProcesses
import Foundation
import RlimitModel
import Testing

/// Callers that hide ids of their user in a user namespace. Root writes the maps of the namespace, as newuidmap(1) and
/// newgidmap(1) do for users with subordinate ids.
struct UserNamespaceCase {
    static let firstSubordinate: UInt32 = 164_000
    static let group: UInt32 = 64_500

    /// What is asked for: more than every test's hard limit.
    static let files: Limit.Bound = 900_000

    private let spawner: ControlledProcess
    /// Whether the callers raise a limit. If not, they ask for the agent's counters, which needs no capability.
    private let isRaise: Bool

    init(raising isRaise: Bool) throws {
        spawner = try ControlledProcess.spawner()
        self.isRaise = isRaise
    }

    // Alice and her subordinate ids may have it, but for a deny rule.
    private func policy(denying name: String, _ caller: String) -> String {
        """
        version = 1
        [[allow]]
        name = "all"
        caller.users = [\(Account.alice.uid), "\(Self.firstSubordinate)-\(Self.firstSubordinate + 99)"]
        operations = ["set", "stats"]
        limits.nofile = \(Self.files.rawValue)
        [[deny]]
        name = "\(name)"
        caller.\(caller)
        operations = ["set", "stats"]
        """
    }

    /// A process of alice outside of any namespace.
    func member(groups: Range<UInt32>) throws -> ControlledProcess {
        let process = try spawner.spawn(Account.alice.ids, groups: groups)
        try process.setOwnLimit(.openFiles, to: Limit(soft: 100, hard: 1000))
        return process
    }

    /// A process of alice in a namespace with her own id as 0, and her subordinate ids from 1 on.
    func hidden(groups: Range<UInt32> = 0..<0) throws -> ControlledProcess {
        let process = try member(groups: groups)
        try process.enterUserNamespace()
        for (file, own) in [("uid_map", Account.alice.uid), ("gid_map", Account.alice.gid)] {
            let map = "0 \(own) 1\n1 \(Self.firstSubordinate) 100\n"
            let descriptor = open("/proc/\(process.pid)/\(file)", O_WRONLY | O_CLOEXEC)
            defer { close(descriptor) }
            guard write(descriptor, map, map.utf8.count) == map.utf8.count else { throw RawConnection.failure(file) }
        }
        return process
    }

    /// A process with the first of alice's subordinate ids.
    func subordinate() throws -> ControlledProcess {
        let process = try hidden()
        try process.setCredentials(Credentials(uid: 1, gid: 1))
        return process
    }

    /// The rule that refuses the process, or "" for another refusal; nil if it is granted what it asks for.
    func refusingRule(_ process: ControlledProcess, _ agent: AgentProcess) throws -> String? {
        let caller = try ConnectedProcess(process, agent)
        let edits = EditBatch([NumericEdit(.openFiles, soft: 100, hard: Self.files)])
        let outcome = try #require(try caller.ask(isRaise ? .set(.caller, edits, lease: nil) : .stats))
        guard case .failure(let error) = outcome else { return nil }
        return error.rule ?? ""
    }

    func droppedGroup() throws {
        let agent = try AgentProcess(policy: policy(denying: "trainees", "groups = [\(Self.group)]"))
        let group = Self.group..<Self.group + 1
        #expect(try refusingRule(member(groups: 0..<0), agent) == nil, "the deny rule refuses everyone")
        #expect(try refusingRule(member(groups: group), agent) == "trainees")
        let process = try hidden(groups: group)
        #expect(try refusingRule(process, agent) == "trainees")
        try process.setGroups(0..<0)
        #expect(try refusingRule(process, agent) == "trainees", "the group was dropped and the deny rule with it")
    }

    func subordinateUser() throws {
        let ranges = try SubordinateRanges("\(Account.bob.uid):\(Self.firstSubordinate):100\n")
        let policy = policy(denying: "alice", "users = [\(Account.alice.uid)]")
        let agent = try AgentProcess(policy: policy, prefix: ranges.prefix)
        #expect(try refusingRule(subordinate(), agent) == nil, "the deny rule refuses subordinate ids of another user")
        #expect(try refusingRule(member(groups: 0..<0), agent) == "alice")
        // Its own, given by number, and one that no file names.
        for (text, loaded) in [("\(Account.alice.uid):\(Self.firstSubordinate):100\n", 1), ("", 2)] {
            try ranges.write(text)
            try agent.reload(policy: policy)
            try waitUntil("the policy is reloaded") {
                agent.log.components(separatedBy: "policy reloaded").count > loaded
            }
            #expect(try refusingRule(subordinate(), agent) == "alice", "\(text)")
        }
    }
}
