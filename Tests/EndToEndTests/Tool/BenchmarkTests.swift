import Foundation
import Testing

/// The output and the failures of the benchmark client, with few calls. No test depends on the measured times.
@Suite("rlimit-bench")
struct BenchmarkTests {
    private static let policy = """
        version = 1
        [quota]
        requests_per_second = 100000
        [[allow]]
        name = "benchmark"
        caller.users = [\(Account.served.uid)]
        lower = true
        limits.nofile = "max"
        """

    private func bench(_ words: [String], environment: [String: String] = [:]) throws -> ChildProcess.Result {
        try ChildProcess.run(Account.served.setpriv + [try Programs.bench] + words, environment: environment)
    }

    private func sample() throws -> SampleProcess { try SampleProcess(as: .served, limits: ["--nofile=1234:5678"]) }

    @Test(arguments: [("lat", 1), ("conc", 8), ("pipe", 32)])
    func `Each mode prints one line of JSON with every figure`(mode: String, parameter: Int) throws {
        let agent = try AgentProcess(policy: Self.policy)
        let sample = try sample()
        let result = try bench([agent.socket, mode, "200", "20", "\(parameter)", "\(sample.pid)"])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output.split(separator: "\n").count == 1)
        let line = try JSONObject(result.output)
        #expect(line["mode"].text == mode)
        #expect(line["param"].number == parameter)
        #expect(line["calls"].number == 200)
        #expect(line["errors"].number == 0)
        #expect(line["soft"].number == 1234)
        #expect(line["hard"].number == 5678)
        let figures: Set = [
            "wall_s", "calls_per_s", "min_us", "p50_us", "p90_us", "p99_us", "p999_us", "max_us", "cli_cpu_s",
        ]
        #expect(figures.isSubset(of: line.keys), "\(result.output)")
    }

    @Test func `Each kind of call can be measured`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let sample = try sample()
        let few = ["--socket", agent.socket, "--calls", "30", "--warmup", "3", "--json"]
        let kinds = [
            ["--self"], ["--usage"], ["--pid", "\(sample.pid)", "--pidfd"], ["--pid", "\(sample.pid)", "--usage"],
            ["--self", "--set", "nofile"], ["--pid", "\(sample.pid)", "--set", "nofile"],
            ["--pid", "\(sample.pid)", "--set", "nofile", "--connections", "3", "--outstanding", "4"],
            ["--pid", "\(sample.pid)", "--tasks", "5"], ["--self", "--set", "nofile", "--tasks", "1"],
            ["--self", "--busy-poll", "50"],
        ]
        for kind in kinds {
            let result = try bench(few + kind)
            #expect(result.status == 0, "\(kind): \(result.error)")
            let line = try JSONObject(result.output)
            #expect(line["calls"].number == 30, "\(kind): \(result.output)")
            #expect(line["errors"].number == 0, "\(kind): \(result.output)")
        }
        // Every set was granted, and the last one restored the limit. With several connections, a set can find the
        // value that another connection has just set. That is no change and has no audit record.
        var audited: [Substring] = []
        try waitUntil("the log has 90 sets") {
            audited = agent.log.split(separator: "\n").filter { $0.contains("operation=set") }
            return audited.count >= 90
        }
        #expect(audited.allSatisfy { $0.contains("verdict=granted") })
        #expect(try sample.files.limit("Max open files").description.contains("1234"))
    }

    @Test func `The default output is a table`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let result = try bench(["--socket", agent.socket, "--calls", "50"])
        #expect(result.status == 0, "\(result.error)")
        for row in ["what        get nofile of the caller itself", "calls       50 in ", "errors      0", "p99  "] {
            #expect(result.output.contains(row), "\(result.output)")
        }
    }

    @Test func `The mode first waits for a server that is starting`() throws {
        let folder = try AgentFolder(policy: Self.policy)
        let waiting = try ChildProcess(
            Account.served.setpriv + [try Programs.bench, folder.socket, "first", "1", "0", "1", "0", "--self"])
        try waitUntil("the benchmark is ready") { waiting.output == "{\"ready\":true}\n" }
        let agent = try AgentProcess(policy: Self.policy)
        // The socket path that the benchmark waits for.
        try FileManager.default.createSymbolicLink(atPath: folder.socket, withDestinationPath: agent.socket)
        let result = try waiting.wait()
        #expect(result.status == 0, "\(result.error)")
        let line = try JSONObject(String(result.output.split(separator: "\n").last ?? ""))
        #expect(line["mode"].text == "first")
        #expect(line["t_mono_ns"].number ?? 0 > 0)
    }

    @Test func `Sets are compared with prlimit(2) in C`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let result = try bench(["--rounds", "1", agent.socket, "set-self", "20"])
        #expect(result.status == 0, "\(result.error)")
        let line = try JSONObject(result.output)
        #expect(line["mode"].text == "set-self")
        #expect(line["processes"].number == 1)
        #expect(line.keys.isSuperset(of: ["agent_us", "prlimit_us", "ratio"]))
    }

    @Test func `Invalid arguments are refused with a reason`() throws {
        let cases: [([String], String)] = [
            (["--calls", "0"], "at least one call"),
            (["--calls", "many"], "The value 'many' is invalid for '--calls"),
            (["--connections", "20001"], "not in the range 1 to 20000"),
            (["--outstanding", "129"], "not in the range 1 to 128"),
            (["--tasks", "2", "--connections", "2"], "tasks share the one connection"),
            (["--tasks", "10001"], "not in the range 0 to 10000"),
            (["--busy-poll", "1001"], "not in the range 0 to 1000"),
            (["--pid", "1"], "1 is no process id"),
            (["--pidfd"], "--pidfd needs --pid"),
            (["--self", "--pid", "4"], "--self asks about no other process"),
            (["--pid", "4", "--pidfd", "--connections", "2"], "with one call outstanding on one connection"),
            (["--set", "files"], "\"files\" is no resource; there are cpu, fsize"),
            (["--set", "nofile", "--set", "nofile"], "named twice"),
            (["--set", "nofile", "--usage"], "two benchmarks"),
            (["/socket"], "is not SOCKET MODE CALLS"),
            (["/socket", "fast", "1", "1", "1", "1"], "\"fast\" is no mode; there are first, lat, conc, pipe"),
            (["/socket", "lat", "1"], "3 arguments instead of 6: SOCKET lat CALLS WARMUP PARAM PID"),
            (["/socket", "lat", "0", "1", "1", "4"], "CALLS is \"0\", and must be a number of at least 1"),
            (["/socket", "set-pidfd", "1"], "set-pidfd needs --pid"),
        ]
        for (words, reason) in cases {
            let result = try bench(words)
            #expect(result.status == 64, "\(words): \(result.status)")
            #expect(result.error.contains(reason), "\(words): \(result.error)")
        }
        let result = try bench(["/socket", "lat", "1", "1", "1", "4"], environment: ["BENCH_MAX_S": "soon"])
        #expect(result.status == 64 && result.error.contains("BENCH_MAX_S is \"soon\""), "\(result.error)")
    }

    @Test func `A failed call makes the benchmark fail with the error`() throws {
        let agent = try AgentProcess(policy: Self.policy)
        let ended = try sample()
        let pid = ended.pid
        try ended.end()
        for (mode, parameter) in [("lat", 1), ("conc", 2)] {
            let result = try bench([agent.socket, mode, "5", "0", "\(parameter)", "\(pid)"])
            #expect(result.status == 1)
            #expect(result.error.contains("process \(pid)"), "\(result.error)")
        }
        let alone = try bench(["--socket", agent.socket + ".not"])
        #expect(alone.status == 1)
        #expect(alone.error.contains("no agent answers at"), "\(alone.error)")
    }

    @Test(arguments: [[], ["--watched", "nofile"]])
    func `A measured watch samples each process every second`(watched: [String]) throws {
        let samples = try (0..<3).map { _ in try sample() }
        let pids = samples.map { "\($0.pid)\n" }.joined()
        let script = "printf '\(pids)' | \(try Programs.bench) --watch 2 \(watched.joined(separator: " "))"
        let result = try ChildProcess.run(Account.served.setpriv + ["sh", "-c", script])
        #expect(result.status == 0, "\(result.error)")
        let line = try JSONObject(result.output)
        #expect(line["processes"].number == 3)
        #expect((3...9).contains(line["samples"].number ?? 0), "\(result.output)")
        #expect(line.keys.contains("percent"))
    }
}
