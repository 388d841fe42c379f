import ArgumentParser
import RlimitClient
import RlimitKernel
import RlimitModel

/// Measures the cost of calls to the agent.
@main
struct RlimitBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rlimit-bench",
        abstract: "Measure the cost of calls to the agent from a client.",
        usage: """
            rlimit-bench [--self | --pid PID] [--set RESOURCE ... | --usage] [options]
            rlimit-bench [options] SOCKET first|lat|conc|pipe CALLS WARMUP PARAM PID
            rlimit-bench [options] SOCKET set-self|set-pidfd|set-cgroup CALLS
            """,
        discussion: """
            Without more it reads its own limit of open files, one call after the other. --set changes soft limits to what they \
            are and to one less, in turn, and leaves them as they were; a rule must let the caller lower them.

            The second form is for scripts: PARAM is the number of connections (conc) or of calls outstanding (pipe), PID is named \
            by number unless --self or --pidfd is given, the result is one line of JSON, and the timed part ends after \
            BENCH_MAX_S seconds (environment). The third measures sets beside prlimit(2) in C over the same processes.
            """)

    @Option(help: "The agent's socket (default: RLIMITD_SOCKET, or /run/rlimitd/rlimitd.sock).")
    var socket: String?

    @Flag(name: .customLong("self"), help: "Measure with the benchmark's own process. The default without --pid.")
    var own = false

    @Option(help: "Measure with this process.")
    var pid: Int32?

    @Flag(help: "Name the process by a pidfd in each call, as applications do.")
    var pidfd = false

    @Option(name: .customLong("set"), help: "Set the soft limit of this resource; may be repeated.")
    var resources: [String] = []

    @Flag(help: "Get the usage of the process.")
    var usage = false

    @Option(help: "Connections, 1 to \(Plan.maxConnections).")
    var connections = 1

    @Option(help: "Outstanding calls of each connection, 1 to \(Plan.maxOutstanding).")
    var outstanding = 1

    @Option(help: "Use the asynchronous client from this number of tasks, over its one connection.")
    var tasks = 0

    @Flag(help: "With --tasks: run them on the client's own executor.")
    var executor = false

    @Option(
        help: "Poll for a response for this many microseconds before sleeping. Not with many calls at once.")
    var busyPoll = 0

    @Option(help: "The number of measured calls of all connections together.")
    var calls = 20000

    @Option(help: "The number of calls before the clock starts.")
    var warmup = 1000

    @Flag(help: "Print one line of JSON instead of a table.")
    var json = false

    @Option(help: "With set-self, set-pidfd and set-cgroup: the rounds of agent and C loop.")
    var rounds = 5

    @Option(help: "With set-cgroup and --watch: the path of the cgroup.")
    var cgroup: String?

    @Option(
        help:
            "Watch the processes with the numbers on standard input for this many seconds. Each has a sample a second."
    )
    var watch: Int?

    @Option(help: "With --watch: sample only this resource; may be repeated.")
    var watched: [String] = []

    @Option(help: "Measure this number of lease grants and releases beside sets of --pid.")
    var leaseCost: Int?

    @Option(help: "Grant this number of leases to the processes with the numbers on standard input.")
    var lend: Int?

    @Option(help: "With --lend: the range of seconds from now in which they end, as FIRST:LAST.")
    var ends = "10:70"

    @Argument(help: .hidden)
    var words: [String] = []

    func run() throws {
        if let watch { return try measureWatch(seconds: watch) }
        if let leaseCost { return try measureLeases(leaseCost) }
        if let lend { return try grantManyLeases(lend) }
        if words.isEmpty {
            var plan = Plan(socket: socket.map { AgentSocket(path: $0, owner: .anyone) } ?? .standard)
            (plan.connections, plan.outstanding) = (connections, outstanding)
            (plan.calls, plan.warmup) = (calls, warmup)
            plan.process = try process(pid)
            plan.mode = connections > 1 ? .conc : outstanding > 1 ? .pipe : .lat
            return try measure(plan, asJSON: json)
        }
        let script = try ScriptArguments(words)
        if script.mode.isComparison { return try compare(script) }
        var plan = Plan(socket: script.socket, mode: script.mode, calls: script.calls, warmup: script.warmup)
        if script.mode == .conc { plan.connections = script.parameter }
        if script.mode == .pipe { plan.outstanding = script.parameter }
        plan.process = try process(script.pid)
        if let text = OwnProcess.environment("BENCH_CONNECTED") {
            let numbers = text.split(separator: ":").compactMap { Int32($0) }
            guard numbers.count == 2, numbers[0] > 2, 0..<100_000 ~= numbers[1] else {
                throw ValidationError("BENCH_CONNECTED is \"\(text)\", and must be FIRST:COUNT.")
            }
            plan.connected = numbers[0]..<numbers[0] + numbers[1]
        }
        if let seconds = OwnProcess.environment("BENCH_MAX_S") {
            guard let maxSeconds = Double(seconds), maxSeconds > 0, maxSeconds < 86400 else {
                throw ValidationError("BENCH_MAX_S is \"\(seconds)\", and must be a number of seconds.")
            }
            plan.maxSeconds = maxSeconds
        }
        try measure(plan, asJSON: true)
    }

    private func measure(_ plan: Plan, asJSON: Bool) throws {
        var plan = plan
        (plan.tasks, plan.prefersExecutor, plan.busyPoll) = (tasks, executor, busyPoll)
        if let validationError = plan.validationError { throw ValidationError("\(validationError).") }
        let benchmark = Benchmark(plan, try kind())
        if plan.mode == .first {
            print(#"{"ready":true}"#)
            flushOutput()
            return print(#"{"mode":"first","t_mono_ns":\#(try benchmark.first())}"#)
        }
        let report = try benchmark.measure()
        print(asJSON ? report.json : report.table)
        if let failure = report.recorder.failure {
            throw BenchmarkFailure("\(report.recorder.errors) calls failed, the first with: \(failure.message)")
        }
    }

    private func measureWatch(seconds: Int) throws {
        guard (1...3600).contains(seconds) else { throw ValidationError("--watch is 1 to 3600 seconds.") }
        let selected = watched.isEmpty ? Resource.allCases : try named(watched)
        let run = WatchBenchmark(client: LimitClient(), seconds: seconds, resources: selected)
        let pids = try readProcesses(of: "--watch")
        let result = try cgroup.map { try run.all(in: Cgroup(path: $0), count: pids.count) } ?? run.each(of: pids)
        print(
            """
            {"mode":"watch","processes":\(pids.count),"samples":\(result.samples),\
            "seconds":\(result.time / .seconds(1)),"percent":\(result.percent)}
            """)
    }

    private func readProcesses(of option: String) throws -> [Int32] {
        var pids: [Int32] = []
        while let line = readLine() {
            guard let pid = Int32(line), pid > 0 else { throw ValidationError("\"\(line)\" is no process id.") }
            pids.append(pid)
        }
        guard !pids.isEmpty else {
            throw ValidationError("\(option) reads the numbers of processes from standard input.")
        }
        return pids
    }

    private var leaseBenchmark: LeaseBenchmark {
        let place = socket.map { AgentSocket(path: $0, owner: .anyone) } ?? .standard
        return LeaseBenchmark(client: BlockingLimitClient(socket: place, strategy: .agentOnly, timeout: .seconds(60)))
    }

    private func measureLeases(_ calls: Int) throws {
        guard let pid else { throw ValidationError("--lease-cost needs --pid.") }
        guard calls > 0, rounds > 0 else { throw ValidationError("leases and rounds are at least 1.") }
        let cost = try leaseBenchmark.cost(on: pid, calls: calls, rounds: rounds)
        print(#"{"mode":"lease-cost","calls":\#(calls),"sets_us":\#(cost.sets),"lease_us":\#(cost.lease)}"#)
    }

    private func grantManyLeases(_ count: Int) throws {
        let times = ends.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
        guard count > 0, times.count == 2, let first = times[0], let last = times[1], 0 < first, first <= last,
            last < 86400
        else { throw ValidationError("--lend is at least 1, and --ends FIRST:LAST in seconds, as 10:70.") }
        let pids = try readProcesses(of: "--lend")
        try leaseBenchmark.grantLeases(count, to: pids, endingWithin: first...last)
        print(#"{"mode":"lend","leases":\#(count),"processes":\#(pids.count)}"#)
    }

    private func compare(_ script: ScriptArguments) throws {
        guard rounds > 0 else { throw ValidationError("rounds are at least 1.") }
        let client = BlockingLimitClient(socket: script.socket, strategy: .agentOnly, timeout: .seconds(60))
        let comparison: SetComparison
        switch script.mode {
        case .setPidfd:
            guard let pid else { throw ValidationError("set-pidfd needs --pid.") }
            comparison = try SetComparison(client, pid: pid)
        case .setCgroup:
            guard let cgroup else { throw ValidationError("set-cgroup needs --cgroup.") }
            comparison = try SetComparison(client, cgroup: cgroup)
        default: comparison = SetComparison(own: client)
        }
        let result = try comparison.measure(calls: script.calls, rounds: rounds)
        print(
            """
            {"mode":"\(script.mode.rawValue)","calls":\(script.calls),"processes":\(result.processes),\
            "agent_us":\(result.agent),"prlimit_us":\(result.loop),"ratio":\(result.ratio)}
            """)
    }

    private func process(_ pid: Int32?) throws -> Workload.MeasuredProcess {
        if own {
            guard self.pid == nil, !pidfd else {
                throw ValidationError("--self asks about no other process: leave out --pid and --pidfd.")
            }
            return .caller
        }
        guard let pid else {
            guard !pidfd else { throw ValidationError("--pidfd needs --pid.") }
            return .caller
        }
        guard pidfd else { return .number(pid) }
        guard connections == 1, outstanding == 1 else {
            throw ValidationError("--pidfd is measured with one call outstanding on one connection.")
        }
        return .pidfd(pid)
    }

    private func kind() throws -> Workload.Kind {
        guard !usage || resources.isEmpty else { throw ValidationError("--usage and --set are two benchmarks.") }
        if usage { return .usage }
        let named = try named(resources)
        return named.isEmpty ? .get : .set(named)
    }

    private func named(_ names: [String]) throws -> [Resource] {
        let named = try names.map { name in
            guard let resource = Resource(name) else {
                throw ValidationError(
                    "\"\(name)\" is no resource; there are \(Resource.allCases.map(\.name).joined(separator: ", ")).")
            }
            return resource
        }
        guard Set(named).count == named.count else { throw ValidationError("a resource is named twice.") }
        return named
    }
}
