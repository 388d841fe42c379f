import Foundation
import Testing

/// `rlimitctl --cgroup` about real processes.
@Suite("rlimitctl and a real cgroup", .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
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

    /// How many processes of the cgroup have these limits of open files, by /proc.
    private func count(_ soft: String, _ hard: String) throws -> Int {
        try cgroup.members.count { try ProcessFiles(pid: $0).limit("Max open files") == .init(soft: soft, hard: hard) }
    }

    @Test func `what is hers is raised, and what is another's is refused and said`() throws {
        let hers = try cgroup.populate(3, as: .alice, limits: Self.few)
        let his = try cgroup.populate(2, as: .bob, limits: Self.few)
        let result = try rlimitctl("set", "nofile=6000", "--at-least", "--cgroup", cgroup.path)
        #expect(result.status == 77)
        let changes = result.output.split(separator: "\n")
        #expect(changes.count == 3)
        #expect(changes.allSatisfy { $0.hasPrefix("nofile 1024:4096 -> 6000:6000  perl (pid ") })
        #expect(result.error.contains("3 of 5 processes are changed"), "\(result.error)")
        #expect(try count("6000", "6000") == 3)
        #expect(try count("1024", "4096") == 2)
        #expect(hers.isRunning && his.isRunning)
    }

    @Test func `hard and max are what each process has`() throws {
        let some = try cgroup.populate(2, as: .alice, limits: ["--nofile=100:2000"])
        let others = try cgroup.populate(2, as: .alice, limits: ["--nofile=200:3000"])
        let hard = try rlimitctl("set", "nofile=hard", "--cgroup", cgroup.path)
        #expect(hard.status == 0 && hard.error == "", "\(hard.error)")
        #expect(try count("2000", "2000") == 2)
        #expect(try count("3000", "3000") == 2)
        let most = try rlimitctl("set", "nofile=max", "--cgroup", cgroup.path)
        #expect(most.status == 0 && most.error == "", "\(most.error)")
        #expect(try count("8192", "8192") == 4)
        let clamp = try rlimitctl("set", "nofile=100000", "--clamp", "--cgroup", cgroup.path)
        #expect(clamp.status == 0 && clamp.error.contains("nofile got less than requested"))
        #expect(try count("8192", "8192") == 4)
        #expect(some.isRunning && others.isRunning)
    }

    @Test func `hundreds are shown, by their limits or one by one`() throws {
        let many = try cgroup.populate(400, as: .alice, limits: Self.few)
        let spread = try rlimitctl("get", "--cgroup", Cgroup.root + cgroup.path)
        #expect(spread.status == 0, "\(spread.error)")
        let files = spread.output.split(separator: "\n").filter { $0.hasPrefix("nofile ") }
        #expect(files.map { $0.split(separator: " ").dropFirst(3) } == [["1024", "4096", "400", "files"]])
        let list = try rlimitctl("get", "nofile", "memlock", "--cgroup", cgroup.path)
        let pids = list.output.split(separator: "\n").dropFirst().compactMap { pid_t($0.split(separator: " ")[0]) }
        #expect(Set(pids) == Set(cgroup.members) && pids.count == 400)
        let usage = try rlimitctl("usage", "--json", "--cgroup", cgroup.path)
        let processes = try JSONObject(usage.output)["processes"]
        #expect(processes[399]["usage"]["maxResidentSize"].number ?? 0 > 0)
        #expect(processes[400]["pid"].number == nil)
        #expect(many.isRunning)
    }

    @Test func `a cgroup that is none, or all, is said`() throws {
        let many = try cgroup.populate(3, as: .alice, limits: Self.few)
        let none = try rlimitctl("get", "nofile", "--cgroup", cgroup.path + "/none")
        #expect(none.status == 1 && none.error.contains("there is no cgroup"), "\(none.error)")
        let root = try rlimitctl("get", "nofile", "--cgroup", "/")
        #expect(root.status == 1 && root.error.contains("every cgroup"), "\(root.error)")
        #expect(many.isRunning)
    }

    @Test func `a caller in a container may not name a path`() throws {
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
