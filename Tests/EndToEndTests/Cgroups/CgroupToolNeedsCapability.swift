import Foundation
import Testing

/// `rlimitctl --cgroup` with running processes.
@Suite("rlimitctl with a cgroup", .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct CgroupToolNeedsCapability {
    private static let few = ["--nofile=1024:4096"]
    private let agent: AgentProcess
    private let cgroup: Cgroup
    private let rlimitctl: Rlimitctl

    init() throws {
        agent = try AgentProcess(policy: Policies.openFiles(8192))
        cgroup = try Cgroup()
        rlimitctl = Rlimitctl(agent, as: .alice)
    }

    /// The number of processes in the cgroup with these limits of open files, read from /proc.
    private func count(_ soft: String, _ hard: String) throws -> Int {
        try cgroup.members.count { try ProcessFiles(pid: $0).limit("Max open files") == .init(soft: soft, hard: hard) }
    }

    @Test func `A set raises the caller's own processes and reports the refusals for others`() throws {
        let alices = try cgroup.populate(3, as: .alice, limits: Self.few)
        let bobs = try cgroup.populate(2, as: .bob, limits: Self.few)
        let result = try rlimitctl("set", "nofile=6000", "--at-least", "--cgroup", cgroup.path)
        #expect(result.status == 77)
        let changes = result.output.split(separator: "\n")
        #expect(changes.count == 3)
        #expect(changes.allSatisfy { $0.hasPrefix("nofile 1024:4096 -> 6000:6000  perl (pid ") })
        #expect(result.error.contains("3 of 5 processes are changed"), "\(result.error)")
        #expect(try count("6000", "6000") == 3)
        #expect(try count("1024", "4096") == 2)
        #expect(alices.isRunning && bobs.isRunning)
    }

    @Test func `The words hard and max mean each process's own limit`() throws {
        let some = try cgroup.populate(2, as: .alice, limits: ["--nofile=100:2000"])
        let others = try cgroup.populate(2, as: .alice, limits: ["--nofile=200:3000"])
        let hard = try rlimitctl("set", "nofile=hard", "--cgroup", cgroup.path)
        #expect(hard.status == 0 && hard.error == "", "\(hard.error)")
        #expect(try count("2000", "2000") == 2)
        #expect(try count("3000", "3000") == 2)
        let max = try rlimitctl("set", "nofile=max", "--cgroup", cgroup.path)
        #expect(max.status == 0 && max.error == "", "\(max.error)")
        #expect(try count("8192", "8192") == 4)
        let clamp = try rlimitctl("set", "nofile=100000", "--clamp", "--cgroup", cgroup.path)
        #expect(clamp.status == 0 && clamp.error.contains("nofile got less than requested"))
        #expect(try count("8192", "8192") == 4)
        #expect(some.isRunning && others.isRunning)
    }

    @Test func `A table shows many processes, grouped by limits or one by one`() throws {
        let many = try cgroup.populate(150, as: .alice, limits: Self.few)
        let grouped = try rlimitctl("get", "--cgroup", Cgroup.root + cgroup.path)
        #expect(grouped.status == 0, "\(grouped.error)")
        let files = grouped.output.split(separator: "\n").filter { $0.hasPrefix("nofile ") }
        #expect(files.map { $0.split(separator: " ").dropFirst(3) } == [["1024", "4096", "150", "files"]])
        let list = try rlimitctl("get", "nofile", "memlock", "--cgroup", cgroup.path)
        let pids = list.output.split(separator: "\n").dropFirst().compactMap { pid_t($0.split(separator: " ")[0]) }
        #expect(Set(pids) == Set(cgroup.members) && pids.count == 150)
        let usage = try rlimitctl("usage", "--json", "--cgroup", cgroup.path)
        let processes = try JSONObject(usage.output)["processes"]
        #expect(processes[149]["usage"]["maxResidentSize"].number ?? 0 > 0)
        #expect(processes[150]["pid"].number == nil)
        #expect(many.isRunning)
    }

    @Test func `A missing cgroup and the root cgroup are errors`() throws {
        let many = try cgroup.populate(3, as: .alice, limits: Self.few)
        let none = try rlimitctl("get", "nofile", "--cgroup", cgroup.path + "/none")
        #expect(none.status == 1 && none.error.contains("there is no cgroup"), "\(none.error)")
        let root = try rlimitctl("get", "nofile", "--cgroup", "/")
        #expect(root.status == 1 && root.error.contains("every cgroup"), "\(root.error)")
        #expect(many.isRunning)
    }

    @Test func `A caller in a container may not name a cgroup by path`() throws {
        let many = try cgroup.populate(3, as: .alice, limits: Self.few)
        let result = try ChildProcess.run(
            ["unshare", "--pid", "--fork", "--mount-proc"] + Account.alice.setpriv
                + [try Programs.rlimitctl, "set", "nofile=5000:5000", "--cgroup", cgroup.path],
            environment: ["RLIMITD_SOCKET": agent.socket])
        #expect(result.status == 77, "\(result.error)")
        #expect(result.error.contains("may not name a cgroup by path"))
        #expect(try count("1024", "4096") == 3)
        #expect(many.isRunning)
    }
}
