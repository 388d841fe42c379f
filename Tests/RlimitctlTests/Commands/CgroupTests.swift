import RlimitModel
import ScriptedAgents
import Testing

@Suite("rlimitctl and a cgroup")
struct CgroupTests {
    private static let refusal = RlimitError(.deniedByPolicy, message: "no rule\u{1b} lets this be")

    /// An agent that reports these processes, and an error for those in `refused`.
    private func agent(
        _ pids: [Int32?], isIncomplete: Bool = false, refusing refused: Set<Int32> = [],
        with error: RlimitError = refusal
    ) throws -> ScriptedAgent {
        try ScriptedAgent.answering { request in
            let results = pids.map { pid -> ProcessResult in
                if let pid, refused.contains(pid) { return ProcessResult(pid: pid, .failure(error)) }
                return ProcessResult(pid: pid, .success(Self.reply(to: request, of: pid)))
            }
            return .success(.processes(results, isIncomplete: isIncomplete))
        }
    }

    private static func reply(to request: Request, of pid: Int32?) -> Reply {
        let now = Limit(soft: 100, hard: pid == nil ? 300 : 200)
        switch request.operation {
        case .get(_, let resources): return .limits(resources, Limits(repeating: now))
        case .set(_, let batch, _):
            return .changes(
                batch.map {
                    Change(
                        $0.resource, old: now, new: $0.applied(to: now), grantedBy: .agent(rule: "web"),
                        shortfall: $0.mode == .clamp ? RlimitError(.deniedByPolicy, message: "no more") : nil)
                })
        default:
            var usage = Usage()
            usage.userTime = .milliseconds(1500)
            usage.majorFaults = 3
            return .usage(usage)
        }
    }

    @Test("get with resources shows a line for each process")
    func table() throws {
        let child = try SpawnedChild()
        let agent = try agent([child.number, nil])
        let tool = try ToolRun("get", "nofile", "memlock", "--cgroup", "/a", socket: agent.path)
        #expect(tool.status == 0)
        #expect(tool.errorOutput == "")
        let rows = tool.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(
            rows == [
                ["PID", "COMMAND", "NOFILE", "MEMLOCK"], [child.pid, "sleep", "100:200", "100", "B:200", "B"],
                ["-", "-", "100:300", "100", "B:300", "B"],
            ])
    }

    @Test("get without resources shows how many of thousands of processes have which limits")
    func distribution() throws {
        let agent = try agent(Array(repeating: nil, count: 3) + (4_100_000..<4_103_000).map { $0 })
        let tool = try ToolRun("get", "--cgroup", "/a", socket: agent.path)
        #expect(tool.status == 0)
        let lines = tool.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(lines.count == 1 + 2 * Resource.count)
        let files = lines.filter { $0.first == "nofile" }
        #expect(
            files == [
                ["nofile", "open", "files", "100", "200", "3000", "files"],
                ["nofile", "open", "files", "100", "300", "3", "files"],
            ])
    }

    @Test("JSON has the same keys for every process")
    func json() throws {
        let child = try SpawnedChild()
        let agent = try agent([child.number, 4_100_000, nil], isIncomplete: true, refusing: [4_100_000])
        for (arguments, key) in [
            (["get", "nofile"], "limits"), (["set", "nofile=5:6"], "changes"), (["usage"], "usage"),
        ] {
            let tool = try ToolRun(
                running: ToolRun.path, arguments + ["--json", "--pod", "own"], socket: agent.path)
            #expect(tool.status == 77)
            let answer = try tool.object()
            #expect(answer.isNull("cgroup") && answer.string("pod") == "own")
            #expect(answer["isComplete"] as? Bool == false)
            let processes = answer.objects("processes")
            #expect(processes.count == 3)
            for process in processes { #expect(Set(process.keys) == ["pid", "command", key, "error"]) }
            #expect(processes[0].number("pid") == Int(child.number) && processes[0].string("command") == "sleep")
            #expect(processes[0].isNull("error") && !processes[0].isNull(key))
            #expect(processes[1].object("error").string("code") == "deniedByPolicy" && processes[1].isNull(key))
            #expect(processes[2].isNull("pid") && processes[2].isNull("command"))
        }
    }

    @Test("set prints the old and new limit of each process and resource")
    func set() throws {
        let child = try SpawnedChild()
        let agent = try agent([child.number, nil])
        let tool = try ToolRun("set", "nofile=500", "core=0:", "--at-least", "--pod", "/p", socket: agent.path)
        #expect(tool.status == 0)
        #expect(
            tool.output == """
                nofile 100:200 -> 500:500  sleep (pid \(child.pid))
                core 100 B:200 B -> 100 B:200 B  sleep (pid \(child.pid))
                nofile 100:300 -> 500:500  a process without a pid in this PID namespace
                core 100 B:300 B -> 100 B:300 B  a process without a pid in this PID namespace

                """)
        #expect(tool.errorOutput == "")
    }

    @Test("The same shortfall is printed once with the number of processes")
    func shortfall() throws {
        let agent = try agent(Array(repeating: nil, count: 40))
        let tool = try ToolRun("set", "nofile=500", "--clamp", "--cgroup", "/p", socket: agent.path)
        #expect(tool.status == 0)
        #expect(tool.errorOutput == "rlimitctl: nofile got less than requested: no more (40 processes)\n")
        #expect(try ToolRun("set", "nofile=max", "--cgroup", "/p", socket: agent.path).errorOutput == "")
    }

    @Test("Ten refusals are printed individually, and the others as a number")
    func refusals() throws {
        let pids = (4_100_000..<4_100_030).map { Int32($0) }
        let agent = try agent(pids, refusing: Set(pids.prefix(25)))
        let tool = try ToolRun("set", "nofile=5:6", "--cgroup", "/a", socket: agent.path)
        #expect(tool.status == 77)
        #expect(tool.output.split(separator: "\n").count == 5)
        let lines = tool.errorOutput.split(separator: "\n")
        #expect(lines.count == 12)
        #expect(lines.first == "rlimitctl: process (pid 4100000): no rule\\u{1b} lets this be")
        #expect(!tool.errorOutput.unicodeScalars.contains("\u{1b}"))
        #expect(lines.suffix(2) == ["rlimitctl: and 15 more", "rlimitctl: 5 of 30 processes are changed"])
    }

    @Test(
        "The exit status distinguishes a refused process from other errors",
        arguments: [
            (RlimitError.Code.deniedByKernel, 77), (.aboveSystemCeiling, 77), (.targetChanged, 1), (.conflict, 1),
        ] as [(RlimitError.Code, Int32)])
    func status(code: RlimitError.Code, expected: Int32) throws {
        let agent = try agent([nil, 4_100_000], refusing: [4_100_000], with: RlimitError(code))
        #expect(try ToolRun("set", "nofile=5:6", "--cgroup", "/a", socket: agent.path).status == expected)
        #expect(try ToolRun("get", "nofile", "--cgroup", "/a", socket: agent.path).status == expected)
    }

    @Test("An incomplete list and an empty cgroup are reported")
    func incomplete() throws {
        let incomplete = try agent([nil], isIncomplete: true)
        for arguments in [["get"], ["usage"], ["set", "nofile=5:6"]] {
            let tool = try ToolRun(running: ToolRun.path, arguments + ["--cgroup", "/a"], socket: incomplete.path)
            #expect(tool.status == 1)
            #expect(tool.errorOutput.contains("processes may be missing"))
            #expect(tool.output != "")
        }
        let empty = try agent([])
        let tool = try ToolRun("get", "nofile", "--cgroup", "/a", socket: empty.path)
        #expect(tool.status == 0)
        #expect(tool.output == "")
        #expect(tool.errorOutput == "rlimitctl: the cgroup has no processes\n")
    }

    @Test("usage shows a line for each process without the fields that are always 0")
    func usage() throws {
        let agent = try agent([nil])
        let tool = try ToolRun("usage", "--cgroup", "own", socket: agent.path)
        #expect(tool.status == 0)
        let rows = tool.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(rows.first == ["PID", "COMMAND", "UTIME", "STIME", "MAXRSS", "MINFLT", "MAJFLT", "NVCSW", "NIVCSW"])
        #expect(rows.last == ["-", "-", "1.500000", "s", "-", "-", "-", "3", "-", "-"])
    }

    @Test("The request names the cgroup or pod")
    func target() throws {
        let agent = try ScriptedAgent.answering { request in
            let target =
                switch request.operation {
                case .get(let target, _): target
                default: Request.Target.caller
                }
            return .failure(RlimitError(.noSuchProcess, message: "asked of \(target)"))
        }
        for (arguments, target) in [
            (["--cgroup", "own"], Request.Target.cgroup(nil)), (["--cgroup", "/a/b"], .cgroup("/a/b")),
            (["--cgroup", "/sys/fs/cgroup/a/b/"], .cgroup("/a/b")),
            (["--cgroup", "/own"], .cgroup("/own")),
            (["--pod", "own"], .pod(nil)), (["--pod", "/kubepods/pod1"], .pod("/kubepods/pod1")),
        ] {
            let tool = try ToolRun(running: ToolRun.path, ["get"] + arguments, socket: agent.path)
            #expect(tool.status == 1)
            #expect(tool.errorOutput == "rlimitctl: asked of \(target)\n")
        }
    }

    @Test(
        "Invalid options for a cgroup are usage errors with a hint",
        arguments: [
            (["get", "--cgroup", "/a", "--pid", "2"], "exclude each other"),
            (["set", "nofile=1:", "--cgroup", "/a", "--pod", "own"], "exclude each other"),
            (["usage", "--pod", "/a", "--pid", "2"], "exclude each other"),
            (["get", "--cgroup", "a"], "\"own\""), (["get", "--pod", ""], "\"own\""),
            (["get", "--cgroup"], "--cgroup"),
            (["set", "nofile=1:", "--cgroup", "/a", "--dry-run"], "one process"),
            (["usage", "--cgroup", "/a", "--thread", "2"], "one process"),
            (["explain", "--cgroup", "/a"], "one process"), (["explain", "nofile=5", "--pod", "own"], "one process"),
            (["set", "nofile=5000", "--cgroup", "/a"], "--at-least"),
            (["set", "nofile=hard:7", "--pod", "own"], "\"hard\""),
            (["run", "--cgroup", "/a", "nofile=5", "true"], "--cgroup"),
        ])
    func usage(arguments: [String], hint: String) throws {
        let tool = try ToolRun(running: ToolRun.path, arguments)
        #expect(tool.status == (arguments.first == "run" ? 125 : 64))
        #expect(tool.output == "")
        #expect(tool.errorOutput.contains(hint), "\(tool.errorOutput)")
        #expect(tool.errorOutput.filter { $0 == "\n" }.count == 1)
    }

    @Test("Without an agent a cgroup is unreachable, whatever the kernel permits")
    func noAgent() throws {
        for arguments in [["get"], ["usage"], ["set", "nofile=5:6"]] {
            #expect(try ToolRun(running: ToolRun.path, arguments + ["--cgroup", "own"]).status == 69)
        }
    }
}
