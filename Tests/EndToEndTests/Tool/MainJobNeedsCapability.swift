import Foundation
import Testing

/// The main purpose of rlimitd: an unprivileged user raises hard limits.
@Suite("Raising limits with rlimitctl", .enabled(if: Machine.mayRaiseHardLimits, "\(Machine.needsCapability)"))
struct MainJobNeedsCapability {
    private let agent: AgentProcess
    private let rlimitctl: Rlimitctl

    init() throws {
        agent = try AgentProcess(policy: Policies.openFiles(900_000))
        rlimitctl = Rlimitctl(agent, as: .alice)
    }

    @Test func `An unprivileged process gets a hard limit that it could not give itself`() throws {
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=4096:4096"])
        let alone = try ChildProcess.run(Account.alice.setpriv + ["prlimit", "--pid=\(sample.pid)", "--nofile=900000"])
        #expect(alone.status != 0, "the kernel allows it without the agent, so the test shows nothing")
        #expect(try sample.files.limit("Max open files") == .init(soft: "4096", hard: "4096"))

        let result = try rlimitctl("set", "nofile=900000", "--pid", "\(sample.pid)")
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output == "nofile 4096:4096 -> 900000:900000  sleep (pid \(sample.pid))\n")
        #expect(try sample.files.limit("Max open files") == .init(soft: "900000", hard: "900000"))
    }

    @Test func `A shell raises itself, and its children inherit the limit`() throws {
        let script = "ulimit -n 900000 && exit 9; rlimitctl set nofile=900000 && sh -c 'ulimit -Hn; ulimit -Sn'"
        let result = try rlimitctl.shell(script, limits: ["--nofile=4096:4096"])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output.hasSuffix("\n900000\n900000\n"), "\(result.output)")
    }

    @Test func `The command of rlimitctl run has a higher limit than its caller`() throws {
        let result = try rlimitctl.shell(
            "rlimitctl run nofile=900000 -- sh -c 'ulimit -Hn; exit 7'", limits: ["--nofile=4096:4096"])
        #expect(result.output == "900000\n", "\(result.error)")
        #expect(result.status == 7)
    }

    @Test func `The example program raises itself as far as the policy allows and prints the shortfall`() throws {
        let limits = ["prlimit", "--nofile=1024:4096"]
        let result = try ChildProcess.run(
            limits + Account.alice.setpriv + [try Programs.example], environment: ["RLIMITD_SOCKET": agent.socket])
        #expect(result.status == 0, "\(result.error)")
        #expect(
            result.output.hasPrefix("before: 1024:4096\nafter:  900000:900000\nno more than that: "), "\(result.output)"
        )
    }

    @Test func `A set of the hard limit alone leaves the soft limit unchanged`() throws {
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=1000:4096"])
        let result = try rlimitctl("set", "nofile=:8192", "--pid", "\(sample.pid)")
        #expect(result.status == 0, "\(result.error)")
        #expect(try sample.files.limit("Max open files") == .init(soft: "1000", hard: "8192"))
    }

    @Test func `The option --at-least raises lower limits and leaves higher ones unchanged`() throws {
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=4096:4096"])
        let result = try rlimitctl("set", "--at-least", "nofile=5000:5000", "--pid", "\(sample.pid)")
        #expect(result.status == 0, "\(result.error)")
        #expect(try rlimitctl("set", "--at-least", "nofile=100:100", "--pid", "\(sample.pid)").status == 0)
        #expect(try sample.files.limit("Max open files") == .init(soft: "5000", hard: "5000"))
    }

    @Test func `The option --clamp raises as far as the policy allows and reports the shortfall`() throws {
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=4096:4096"])
        let result = try rlimitctl("set", "--clamp", "nofile=1000000", "--pid", "\(sample.pid)")
        #expect(result.status == 0, "\(result.error)")
        #expect(result.error != "", "the shortfall is not reported")
        #expect(try sample.files.limit("Max open files") == .init(soft: "900000", hard: "900000"))
    }

    @Test func `The option --expect refuses a change if the limit differs`() throws {
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=4096:4096"]), pid = "\(sample.pid)"
        #expect(try rlimitctl("set", "nofile=5000", "--expect", "1:2", "--pid", pid).status == 1)
        #expect(try sample.files.limit("Max open files") == .init(soft: "4096", hard: "4096"))
        let result = try rlimitctl("set", "nofile=5000", "--expect", "4096:4096", "--pid", pid)
        #expect(result.status == 0, "\(result.error)")
        #expect(try sample.files.limit("Max open files") == .init(soft: "5000", hard: "5000"))
    }

    @Test func `A batch that is refused in part changes nothing`() throws {
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=4096:4096", "--core=0:0"])
        let result = try rlimitctl("set", "nofile=5000", "core=1M", "--pid", "\(sample.pid)")
        #expect(result.status == 77, "\(result.error)")
        #expect(try sample.files.limit("Max open files") == .init(soft: "4096", hard: "4096"))
        #expect(try sample.files.limit("Max core file size") == .init(soft: "0", hard: "0"))
    }

    @Test func `A dry run prints the change and makes none`() throws {
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=4096:4096"])
        let result = try rlimitctl("set", "--dry-run", "nofile=900000", "--pid", "\(sample.pid)")
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output.contains("4096:4096 -> 900000:900000"))
        #expect(try sample.files.limit("Max open files") == .init(soft: "4096", hard: "4096"))
    }

    @Test func `The error for a limit above fs.nr_open names that ceiling`() throws {
        let agent = try AgentProcess(policy: Policies.openFiles(2_000_000_000))
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=4096:4096"])
        let result = try Rlimitctl(agent, as: .alice)("set", "nofile=1999999999", "--pid", "\(sample.pid)")
        #expect(result.status == 77)
        #expect(result.error.contains("fs.nr_open"), "\(result.error)")
    }
}
