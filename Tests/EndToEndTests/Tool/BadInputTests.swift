import Testing

/// The exit statuses and error messages for bad input.
@Suite("Bad input")
struct BadInputTests {
    private let unreachable = Rlimitctl(socket: "/nonexistent/rlimitd.sock", as: .alice)

    @Test(arguments: [("nofiles=10", "nofile"), ("memlok=1M", "memlock"), ("rtpri=1", "rtprio")])
    func `The error for an unknown resource suggests the nearest known name`(word: String, nearest: String) throws {
        let sample = try SampleProcess(as: .alice)
        let result = try unreachable("set", word, "--pid", "\(sample.pid)")
        #expect(result.status == 64)
        #expect(result.error.contains("\"\(nearest)\"") || result.error.contains(" \(nearest)"), "\(result.error)")
        #expect(result.output == "")
    }

    @Test func `The error for a resource of other systems says that Linux lacks it`() throws {
        let sample = try SampleProcess(as: .alice)
        let result = try unreachable("set", "sbsize=10", "--pid", "\(sample.pid)")
        #expect(result.status == 64)
        #expect(result.error.contains("Linux"), "\(result.error)")
    }

    @Test func `The error for a soft limit above the hard limit names both`() throws {
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=4096:4096"])
        let result = try unreachable("set", "nofile=10:5", "--pid", "\(sample.pid)")
        #expect(result.status == 1)
        #expect(result.error.contains("soft 10 is above hard 5"), "\(result.error)")
        #expect(try sample.files.limit("Max open files") == .init(soft: "4096", hard: "4096"))
    }

    @Test func `The agent's error for a soft limit above the hard limit is the same`() throws {
        let agent = try AgentProcess(policy: Policies.openFiles(900_000))
        let sample = try SampleProcess(as: .served)
        let result = try Rlimitctl(agent, as: .served)("set", "--agent", "nofile=10:5", "--pid", "\(sample.pid)")
        #expect(result.status == 1)
        #expect(result.error.contains("soft 10 is above hard 5"), "\(result.error)")
    }

    @Test(arguments: ["set", "get", "usage"])
    func `A process that has ended is reported as no such process`(command: String) throws {
        let sample = try SampleProcess(as: .alice)
        try sample.end()
        let edits = command == "set" ? ["nofile=5000"] : []
        let result = try unreachable(words: [command, "--pid", "\(sample.pid)"] + edits)
        #expect(result.status == 1)
        #expect(result.error.lowercased().contains("no such process"), "\(result.error)")
    }

    @Test(arguments: ["0", "-1", "4194305", "4294967296", "18446744073709551615", "many"])
    func `An invalid process id is an error`(pid: String) throws {
        let result = try unreachable("set", "nofile=5000", "--pid=\(pid)")
        #expect([1, 64].contains(result.status), "\(result.status) \(result.error)")
    }

    @Test func `The error for a missing agent names the socket path`() throws {
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=4096:4096"])
        for arguments in [
            ["set", "nofile=5000", "--pid", "\(sample.pid)"], ["status"], ["explain", "--pid", "\(sample.pid)"],
        ] {
            let result = try unreachable(words: arguments)
            #expect(result.status == 69, "\(arguments)")
            #expect(result.error.contains("/nonexistent/rlimitd.sock"), "\(result.error)")
            // The systemd unit listens on another path, so starting it would not help.
            #expect(!result.error.contains("systemctl"), "\(result.error)")
        }
    }

    @Test func `A change that the kernel allows needs no agent`() throws {
        let sample = try SampleProcess(as: .alice, limits: ["--nofile=1000:4096"])
        let result = try unreachable("set", "nofile=2000", "--pid", "\(sample.pid)")
        #expect(result.status == 0, "\(result.error)")
        #expect(try sample.files.limit("Max open files") == .init(soft: "2000", hard: "4096"))
        #expect(try unreachable("get", "nofile", "--pid", "\(sample.pid)").output.contains("2000"))
    }

    @Test func `A refusal shows the maximum that is allowed and the rule that would grant the request`() throws {
        let agent = try AgentProcess(policy: Policies.openFiles(900_000))
        let sample = try SampleProcess(as: .served, limits: ["--nofile=4096:4096"])
        let result = try Rlimitctl(agent, as: .served)("set", "nofile=1000000", "--pid", "\(sample.pid)")
        #expect(result.status == 77)
        #expect(result.error.contains("900000"), "the maximum: \(result.error)")
        #expect(result.error.contains("[[allow]]"), "\(result.error)")
        #expect(result.error.contains("caller.users = [\(Account.served.uid)]"), "\(result.error)")
        #expect(result.error.contains("nofile = 1000000"), "\(result.error)")
        #expect(try sample.files.limit("Max open files") == .init(soft: "4096", hard: "4096"))
    }

    @Test func `A refusal without any matching rule shows the rule that would grant the request`() throws {
        let agent = try AgentProcess(policy: Policies.nothing)
        let rlimitctl = Rlimitctl(agent, as: .served)
        let result = try rlimitctl.shell("rlimitctl set nofile=1000000; exit $?", limits: ["--nofile=4096:4096"])
        #expect(result.status == 77)
        #expect(result.error.contains("[[allow]]"), "\(result.error)")
        #expect(result.error.contains("nofile = 1000000"), "\(result.error)")
    }

    @Test func `A refusal by a deny rule names the rule`() throws {
        let agent = try AgentProcess(
            policy: """
                version = 1
                [[allow]]
                name = "some real-time"
                caller = "everyone"
                limits.rtprio = 10
                [[deny]]
                name = "no real-time"
                caller = "everyone"
                above.rtprio = 0
                """)
        let sample = try SampleProcess(as: .served, limits: ["--rtprio=0:0"])
        let result = try Rlimitctl(agent, as: .served)("set", "rtprio=1", "--pid", "\(sample.pid)")
        #expect(result.status == 77)
        #expect(result.error.contains("no real-time"), "\(result.error)")
    }

    @Test func `An error in JSON has its code, its exit status and the maximum`() throws {
        let agent = try AgentProcess(policy: Policies.openFiles(900_000))
        let sample = try SampleProcess(as: .served, limits: ["--nofile=4096:4096"])
        let result = try Rlimitctl(agent, as: .served)("--json", "set", "nofile=1000000", "--pid", "\(sample.pid)")
        #expect(result.status == 77)
        let error = try JSONObject(result.output)["error"]
        #expect(error["code"].text == "deniedByPolicy")
        #expect(error["exit"].number == 77)
        #expect(error["allowed"]["hard"].number == 900_000)
    }
}
