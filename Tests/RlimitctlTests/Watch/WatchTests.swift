import Foundation
import RlimitModel
import Testing

@Suite("rlimitctl watch")
struct WatchTests {
    private func events(_ tool: ToolRun) throws -> [[String: Any]] {
        try tool.output.split(separator: "\n").map { line in
            guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                throw ToolRun.NotOneLine(output: String(line))
            }
            return object
        }
    }

    @Test("Without a terminal, a line of JSON is printed for each event, --count times")
    func lines() throws {
        let child = try SpawnedChild(limits: ["-n 700"])
        let tool = try ToolRun("watch", "--pid", child.pid, "--every", "20ms", "--count", "3")
        #expect(tool.status == 0)
        #expect(tool.errorOutput == "")
        #expect(!tool.output.contains("\u{1b}"))
        let events = try events(tool)
        #expect(events.count == 3)
        for event in events {
            #expect(Set(event.keys) == ["event", "time", "pid", "command", "limits"])
            #expect(event.string("event") == "sample" && event.string("command") == "sleep")
            #expect(event.number("pid") == Int(child.number))
            let limits = event.object("limits"), files = limits.object("nofile")
            #expect(Set(limits.keys) == Set(Resource.allCases.map(\.name)))
            #expect(files.number("soft") == 700 && files.number("hard") == 700 && files.string("unit") == "count")
            #expect((files.number("used") ?? 0) >= 3)
            #expect(limits.object("fsize").isNull("used"))
        }
        let times = events.compactMap { $0["time"] as? Double }
        #expect(times.count == 3 && times == times.sorted())
        #expect(abs((times.last ?? 0) - Date().timeIntervalSince1970) < 60)
    }

    @Test("JSON has \"unlimited\", crossed thresholds, and only the named resources")
    func alerts() throws {
        let child = try SpawnedChild(limits: ["-n 5", "-S -s unlimited"])
        let tool = try ToolRun(
            "watch", "stack", "--pid", child.pid, "--count", "1", "--above", "nofile=40%", "--above", "RLIMIT_AS=64K")
        #expect(tool.status == 0)
        let events = try events(tool)
        #expect(events.map { $0.string("event") } == ["crossed", "crossed", "sample"])
        #expect(events[0].string("resource") == "nofile" && events[0].string("above") == "40%")
        #expect(events[0].object("limit").number("soft") == 5 && (events[0].number("used") ?? 0) >= 3)
        #expect(events[1].string("resource") == "as" && events[1].number("above") == 65536)
        let limits = events[2].object("limits")
        #expect(Set(limits.keys) == ["stack", "nofile", "as"])
        #expect(limits.object("stack").string("soft") == "unlimited")
    }

    @Test("watch exits with 0 when the processes have ended, after an event for each")
    func exit() throws {
        let one = try SpawnedChild(), two = try SpawnedChild()
        let script = """
            "$0" watch nofile --json --every 1h --pid $1 --pid $2 | {
                n=0
                while read -r line; do
                    echo "$line"
                    case $line in
                    *sample*) n=$((n + 1)); [ $n = 2 ] && kill -9 $1 ;;
                    *exited*) kill -9 $2 2>/dev/null ;;
                    esac
                done
            }
            exit ${PIPESTATUS[0]}
            """
        let tool = try ToolRun(running: "/bin/bash", ["-c", script, ToolRun.path, one.pid, two.pid])
        #expect(tool.status == 0)
        let events = try events(tool)
        #expect(events.filter { $0.string("event") == "sample" }.count == 2)
        let ended = events.filter { $0.string("event") == "exited" }.compactMap { $0.number("pid") }
        #expect(ended == [Int(one.number), Int(two.number)])
        #expect(
            events.first { $0.string("event") == "exited" }.map { Set($0.keys) } == ["event", "time", "pid", "command"])
    }

    @Test("Without --pid, the parent process is watched")
    func parent() throws {
        let tool = try ToolRun(
            running: "/bin/sh", ["-c", "ulimit -n 321; echo $$; \(ToolRun.path) watch nofile --count 1; true"])
        let lines = tool.output.split(separator: "\n")
        #expect(lines.count == 2)
        let event = try JSONSerialization.jsonObject(with: Data(lines[1].utf8)) as? [String: Any] ?? [:]
        #expect(event.number("pid") == Int(lines[0]))
        #expect(event.object("limits").object("nofile").number("soft") == 321)
    }

    @Test(
        "An invalid command line is a usage error with a hint",
        arguments: [
            (["--above", "nofile"], "RESOURCE=VALUE or RESOURCE=80%"), (["--above", "nofile=120%"], "from 0% to 100%"),
            (["--above", "nofil=3"], "did you mean \"nofile\"?"),
            (["--above", "as=unlimited"], "usage never exceeds unlimited"),
            (["--every", "0s"], "--every"), (["--every", "soon"], "--every"), (["--count", "0"], "from 1"),
            (["--pid", "1", "--cgroup", "/a"], "exclude each other"), (["--pid", "0"], "from 1"),
        ])
    func usageErrors(arguments: [String], hint: String) throws {
        let tool = try ToolRun(running: ToolRun.path, ["watch"] + arguments)
        #expect(tool.status == 64)
        #expect(tool.errorOutput.contains(hint), "\(tool.errorOutput)")
        #expect(tool.output == "")
    }

    @Test("An ended process, a missing cgroup and a threshold without a usage value are errors")
    func unavailable() throws {
        let child = try SpawnedChild()
        let unsupported = try ToolRun("watch", "--pid", child.pid, "--above", "fsize=1", "--json")
        #expect(unsupported.status == 1 && unsupported.output.contains("unsupported"))
        child.end()
        #expect(try ToolRun("watch", "--pid", child.pid).status == 1)
        let cgroup = try ToolRun("watch", "--cgroup", "/no-such-cgroup/here")
        #expect(cgroup.status == 1 && cgroup.errorOutput.contains("/no-such-cgroup/here"))
        #expect(try ToolRun("watch", "--pod", "own").status == 69)
    }
}
