import RlimitModel
import Testing

@Suite("rlimitctl set")
struct SetTests {
    @Test("set prints the old and new limits and the process")
    func line() throws {
        let child = try SpawnedChild(limits: ["-n 700"])
        let tool = try ToolRun("set", "nofile=300:600", "--pid", child.pid)
        #expect(tool.status == 0)
        #expect(tool.output == "nofile 700:700 -> 300:600  sleep (pid \(child.pid))\n")
        #expect(tool.errorOutput == "")
        #expect(try child.shown("Max open files") == ["300", "600"])
    }

    @Test("One limit, both limits, names and units are accepted in one batch")
    func values() throws {
        let child = try SpawnedChild(limits: ["-n 700", "-t 1000", "-s 8192"])
        let tool = try ToolRun("set", "nofile=400:", "cpu=10m", "stack=1M:4M", "core=0:hard", "--pid", child.pid)
        #expect(tool.status == 0, "\(tool.errorOutput)")
        #expect(try child.shown("Max open files") == ["400", "700"])
        #expect(try child.shown("Max cpu time") == ["600", "1000"])
        #expect(try child.shown("Max stack size") == ["1048576", "4194304"])
        #expect(tool.output.contains("stack 8 MiB:8 MiB -> 1 MiB:4 MiB  sleep"))
        #expect(tool.output.split(separator: "\n").count == 4)
    }

    @Test("JSON has the old and new limits and the grantor")
    func json() throws {
        let child = try SpawnedChild(limits: ["-n 700"])
        let answer = try ToolRun("set", "nofile=300:", "--json", "--pid", child.pid).object()
        let changes = answer.objects("changes")
        #expect(answer["dryRun"] as? Bool == false)
        #expect(changes.count == 1)
        #expect(changes.first?.object("old").number("soft") == 700)
        #expect(changes.first?.object("new").number("soft") == 300)
        #expect(changes.first?.string("grantedBy") == "kernel")
        #expect(changes.first?.isNull("rule") == true)
    }

    @Test("--at-least lowers nothing")
    func atLeast() throws {
        let child = try SpawnedChild(limits: ["-S -n 300", "-H -n 700"])
        #expect(try ToolRun("set", "nofile=200", "--at-least", "--pid", child.pid).status == 0)
        #expect(try child.shown("Max open files") == ["300", "700"])
        #expect(try ToolRun("set", "nofile=600:", "--at-least", "--pid", child.pid).status == 0)
        #expect(try child.shown("Max open files") == ["600", "700"])
    }

    @Test("--clamp without an agent sets what the kernel permits, and prints why it is less")
    func clamp() throws {
        let child = try SpawnedChild(limits: ["-S -n 300", "-H -n 700"])
        // Above the maximum of fs.nr_open.
        let tool = try ToolRun("set", "nofile=2000000000", "--clamp", "--pid", child.pid)
        #expect(tool.status == 0)
        #expect(tool.errorOutput.contains("nofile got less than requested"))
        #expect(tool.output.hasPrefix("nofile 300:700 -> "))
        #expect(try child.shown("Max open files")[0] != "300")
    }

    @Test("--expect changes nothing if the current limits differ")
    func expect() throws {
        let child = try SpawnedChild(limits: ["-n 700"])
        let other = try ToolRun("set", "nofile=300:", "--expect", "300:700", "--pid", child.pid)
        #expect(other.status == 1)
        #expect(try child.shown("Max open files") == ["700", "700"])
        #expect(try ToolRun("set", "nofile=300:", "--expect", "700:700", "--pid", child.pid).status == 0)
        #expect(try child.shown("Max open files") == ["300", "700"])
    }

    @Test("A soft limit above the hard limit is an error")
    func softAboveHard() throws {
        let child = try SpawnedChild()
        let tool = try ToolRun("set", "nofile=10:5", "--pid", child.pid)
        #expect(tool.status == 1)
        #expect(tool.errorOutput.contains("soft 10 is above hard 5"))
    }

    @Test(
        "An invalid command line is a usage error in one sentence with a hint",
        arguments: [
            (["set", "nofil=1"], "did you mean \"nofile\"?"), (["set", "nofile"], "nofile=VALUE"),
            (["set", "nofile=lots"], "write a count as"), (["set", "memlock=5X"], "write bytes as"),
            (["set", "sbsize=1"], "other systems do"), (["set", "nofile=1", "nofile=2"], "twice"),
            (["set"], "resource=value"), (["set", "nofile=1", "--expect", "5"], "SOFT:HARD"),
            (["set", "nofile=1", "core=1", "--expect", "5:5"], "one RESOURCE=VALUE"),
            (["set", "nofile=1", "--at-least", "--clamp"], "exclude each other"),
            (["set", "nofile=1", "--pid", "0"], "--pid"), (["set", "nofile=1", "--pid", "x"], "--pid"),
            (["set", "nofile=1", "--pid", "4294967297"], "--pid"), (["set", "nofile=1", "--bogus"], "--bogus"),
            (["get", "nofil"], "did you mean \"nofile\"?"), (["gte"], "did you mean \"get\"?"),
            (["frobnicate"], "no command"), (["policy", "chek"], "did you mean \"check\"?"),
            (["policy", "frobnicate"], "rlimitctl policy --help"), (["usage", "--both", "--children"], "exclude"),
            (["--bogus"], "--bogus"),
            (["explain", "--policy", "x"], "--as-user"), (["explain", "--as-user", "no such user"], "no user"),
            (["get", "--socket", ""], "--socket"),
            (["--generate-completion-script", "cmd"], "cmd"),
        ])
    func usage(arguments: [String], hint: String) throws {
        let tool = try ToolRun(running: ToolRun.path, arguments)
        #expect(tool.status == 64)
        #expect(tool.output == "")
        #expect(tool.errorOutput.contains(hint), "\(tool.errorOutput)")
        #expect(tool.errorOutput.hasPrefix("rlimitctl: "))
        #expect(tool.errorOutput.filter { $0 == "\n" }.count == 1)
        let answer = try ToolRun(running: ToolRun.path, arguments + ["--json"]).object().object("error")
        #expect(answer.number("exit") == 64)
        #expect(answer.string("message").map { tool.errorOutput.contains($0) } == true)
    }
}
