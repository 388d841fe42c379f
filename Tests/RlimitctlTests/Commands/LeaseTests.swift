import Foundation
import RlimitModel
import Testing

@testable import rlimitctl

@Suite("rlimitctl and leases")
struct LeaseTests {
    private let child: SpawnedChild
    private let agent: LeaseAgent

    init() throws {
        child = try SpawnedChild()
        agent = try LeaseAgent(pid: child.number)
    }

    private func tool(_ arguments: String...) throws -> ToolRun {
        try ToolRun(running: ToolRun.path, arguments, socket: agent.path)
    }

    private func set(_ arguments: String...) throws -> ToolRun {
        try ToolRun(running: ToolRun.path, ["set", "--pid", child.pid] + arguments, socket: agent.path)
    }

    @Test("set --lease prints the changes and the end of the lease")
    func lease() throws {
        let tool = try set("nofile=2000:2000", "memlock=1G:1G", "--lease", "10m")
        #expect(tool.status == 0, "\(tool.errorOutput)")
        #expect(
            tool.output == """
                nofile 1000:1000 -> 2000:2000  sleep (pid \(child.pid))
                memlock 1000 B:1000 B -> 1 GiB:1 GiB  sleep (pid \(child.pid))
                lease ab01  ends in 10m

                """)
        #expect(tool.errorOutput == "")
        #expect(agent.live.map(\.id) == [LeaseAgent.id(1)] && agent.live[0].remaining == .seconds(600))
        #expect(!agent.requests.contains { if case .leaseRelease = $0 { true } else { false } })
    }

    @Test("JSON of set --lease has the lease after the changes")
    func leaseJSON() throws {
        let answer = try set("nofile=2000:2000", "--lease", "1h", "--json").object()
        #expect(answer.objects("changes").count == 1 && answer["dryRun"] as? Bool == false)
        #expect(answer.object("lease").string("id") == "ab01")
        let remaining = try #require(answer.object("lease")["endsIn"] as? Double)
        #expect(remaining > 3500 && remaining <= 3600)
    }

    @Test(
        "set --lease --dry-run explains the lease without requesting it",
        arguments: ["--lease=7d", "--while-connected"])
    func dryRun(option: String) throws {
        let tool = try set("nofile=2000:2000", option, "--dry-run")
        #expect(tool.status == 0, "\(tool.errorOutput)")
        #expect(tool.output == "nofile 1000:1000 -> 2000:2000  sleep (pid \(child.pid))  (dry run)\n")
        #expect(agent.live.isEmpty)
    }

    @Test(
        "set --while-connected releases the lease when it is interrupted, and prints what became of each limit",
        arguments: [SIGINT, SIGTERM])
    func foreground(signal: Int32) throws {
        let scratch = try Scratch()
        let process = try SpawnedProgram(
            [
                ToolRun.path, "set", "nofile=2000:2000", "memlock=2G:2G", "core=5:1000", "--pid", child.pid,
                "--while-connected",
            ],
            environment: ["RLIMITD_SOCKET": agent.path], output: scratch.path + "/out",
            errorOutput: scratch.path + "/err")
        let expected = """
            nofile 1000:1000 -> 2000:2000  sleep (pid \(child.pid))
            memlock 1000 B:1000 B -> 2 GiB:2 GiB  sleep (pid \(child.pid))
            core 1000 B:1000 B -> 5 B:1000 B  sleep (pid \(child.pid))
            lease ab01  lasts until rlimitctl is interrupted

            """
        for _ in 0..<5000 where try scratch.text("out") != expected { usleep(2000) }
        #expect(try scratch.text("out") == expected)
        #expect(agent.live.count == 1 && agent.live[0].remaining == nil)
        kill(process.pid, signal)
        #expect(process.wait() == 0)
        #expect(
            try scratch.text("out") == expected + """
                nofile restored to 1000:1000
                memlock stays 1000 B:1000 B: another lease holds it
                core stays 1000 B:1000 B: it was changed meanwhile

                """)
        #expect(try scratch.text("err") == "")
        #expect(agent.live.isEmpty)
    }

    @Test(
        "set --while-connected renews in time, and ends with the target or with an error when the lease has ended",
        arguments: [true, false])
    func foregroundEnds(isProcess: Bool) throws {
        let agent = try LeaseAgent(pid: child.number, maxDuration: .milliseconds(200))
        let scratch = try Scratch()
        let process = try SpawnedProgram(
            [ToolRun.path, "--json", "set", "nofile=2000:2000", "--pid", child.pid, "--while-connected"],
            environment: ["RLIMITD_SOCKET": agent.path], output: scratch.path + "/out",
            errorOutput: scratch.path + "/err")
        let renewal = Request.Operation.leaseRenew(LeaseAgent.id(1), .connection)
        for _ in 0..<5000 where agent.requests.count(where: { $0 == renewal }) < 3 { usleep(2000) }
        #expect(agent.requests.count(where: { $0 == renewal }) >= 3)
        if isProcess { child.end() } else { agent.endAll() }
        #expect(process.wait() == (isProcess ? 0 : 1))
        let lines = try scratch.text("out").split(separator: "\n")
        #expect(lines.count == 2)
        #expect(
            lines.last?.hasPrefix(isProcess ? "{\"restorations\":[{\"resource\":\"nofile\"" : "{\"error\":") == true)
        #expect(try scratch.text("err").contains("no such lease") == !isProcess)
    }

    @Test("leases prints a table with a row for each limit")
    func table() throws {
        #expect(try tool("leases").errorOutput == "rlimitctl: there are no leases that you may see\n")
        _ = try set("nofile=2000:2000", "memlock=1G:1G", "--lease", "90m")
        let shown = try tool("leases")
        #expect(shown.status == 0)
        #expect(
            shown.output == """
                ID    PROCESS\(pad(" ")) RESOURCE            OLD          NEW  ENDS-IN  RULE
                ab01  \(label)  nofile        1000:1000    2000:2000   1h 30m  leases
                ab01  \(label)  memlock   1000 B:1000 B  1 GiB:1 GiB   1h 30m  leases

                """)
        #expect(try tool("leases", "list").output == shown.output)
    }

    private var label: String { "sleep (pid \(child.pid))" }
    private func pad(_ space: String) -> String { String(repeating: space, count: label.count - "PROCESS".count + 1) }

    @Test("JSON of leases has the values of the table as numbers")
    func json() throws {
        _ = try set("nofile=2000:2000", "--lease", "60s")
        let lease = try #require(try tool("leases", "--json").object().objects("leases").first)
        #expect(lease.string("id") == "ab01" && lease.number("pid") == Int(child.number))
        #expect(lease.string("command") == "sleep" && lease.string("rule") == "leases")
        #expect(lease["endsIn"] as? Double == 60)
        #expect(lease.objects("changes").first?.object("old").number("hard") == 1000)
    }

    @Test("leases release ends a lease and prints what became of each limit")
    func release() throws {
        _ = try set("nofile=2000:2000", "memlock=1G:1G", "nproc=2000", "core=5:1000", "msgqueue=2000", "--lease", "60s")
        let tool = try tool("leases", "release", "ab01")
        #expect(tool.status == 0)
        #expect(
            tool.output == """
                nofile restored to 1000:1000
                memlock stays 1000 B:1000 B: another lease holds it
                nproc stays 1000:1000: it was changed meanwhile
                core stays 1000 B:1000 B: the process has other ids now; the agent tries again
                msgqueue: the process has ended

                """)
        let again = try self.tool("leases", "release", "ab01")
        #expect(again.status == 1 && again.errorOutput == "rlimitctl: there is no such lease\n")
        _ = try set("nofile=2000:2000", "--lease", "60s")
        let answer = try self.tool("leases", "release", "AB02", "--json").object().objects("restorations")
        #expect(answer.first?.string("outcome") == "restored" && answer.first?.object("limit").number("soft") == 1000)
    }

    @Test("leases renew sets the end of a lease, counted from now")
    func renew() throws {
        _ = try set("nofile=2000:2000", "--lease", "60s")
        #expect(try tool("leases", "renew", "ab01", "2h").output == "lease ab01  ends in 2h\n")
        #expect(agent.live[0].remaining == .seconds(7200))
        #expect(try tool("leases", "renew", "ab01", "7d", "--json").object()["endsIn"] as? Double == 604_800)
        #expect(try tool("leases", "renew", "ab02", "7d").status == 1)
    }

    @Test(
        "Invalid arguments are usage errors with a hint",
        arguments: [
            (["set", "nofile=1", "--lease", "10"], "\"10m\""), (["set", "nofile=1", "--lease", "m"], "\"10m\""),
            (["set", "nofile=1", "--lease", "0s"], "\"10m\""), (["set", "nofile=1", "--lease", "-1s"], "--lease"),
            (["set", "nofile=1", "--lease", "366d"], "at most 365d"),
            (["set", "nofile=1", "--lease", "99999999999999999999s"], "\"10m\""),
            (["set", "nofile=1", "--lease", "9m", "--while-connected"], "exclude each other"),
            (["set", "nofile=1", "--at-least", "--lease", "9m", "--cgroup", "own"], "--pid"),
            (["leases", "release", "xyz"], "rlimitctl leases"), (["leases", "release"], "<id>"),
            (["leases", "renew", "ab01", "soon"], "\"10m\""), (["leases", "renew", "ab01"], "<time>"),
            (["leases", "relase", "ab01"], "did you mean \"release\"?"),
        ])
    func usage(arguments: [String], hint: String) throws {
        let tool = try ToolRun(running: ToolRun.path, arguments, socket: agent.path)
        #expect(tool.status == 64 && tool.errorOutput.contains(hint), "\(tool.errorOutput)")
        #expect(tool.errorOutput.filter { $0 == "\n" }.count == 1)
        #expect(agent.requests.isEmpty)
    }

    @Test("A resource without leases and a missing agent are errors")
    func refused() throws {
        let tool = try set("cpu=9", "--lease", "10m")
        #expect(tool.status == 1 && tool.errorOutput.contains("nofile"), "\(tool.errorOutput)")
        for arguments in [["leases"], ["set", "nofile=1", "--pid", child.pid, "--lease", "10m"]] {
            #expect(try ToolRun(running: ToolRun.path, arguments).status == 69)
        }
    }

    @Test("The remaining time is shown in its two largest units")
    func remaining() {
        let expected: [(Duration, String)] = [
            (.zero, "0s"), (.seconds(-5), "0s"), (.milliseconds(1), "1s"), (.seconds(59), "59s"), (.seconds(60), "1m"),
            (.milliseconds(599_500), "10m"), (.seconds(570), "9m 30s"), (.seconds(3600), "1h"),
            (.seconds(3601), "1h"), (.seconds(5400), "1h 30m"), (.seconds(86_400 * 7 + 7200), "7d 2h"),
        ]
        for (remaining, text) in expected { #expect(LeaseTime.text(remaining) == text) }
    }
}
