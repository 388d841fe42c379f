import RlimitClient

/// The measurement and the number of its calls.
struct Plan: Sendable {
    static let maxConnections = 20000
    static let maxTasks = 10000
    static let maxBusyPoll = 1000
    static let maxOutstanding = 128

    var socket: AgentSocket
    var mode = Mode.lat
    /// The timed calls of all connections together.
    var calls = 20000
    /// The calls before the clock starts. At least one for each connection.
    var warmup = 1000
    var connections = 1
    /// The descriptors of existing connections. The benchmark makes the remaining ones.
    var connected: Range<Int32> = 0..<0
    /// The outstanding calls of each connection.
    var outstanding = 1
    /// The number of tasks with the asynchronous client. 0 selects the blocking client.
    var tasks = 0
    /// The tasks run on the client's executor instead of Swift's default executor.
    var prefersExecutor = false
    /// The time in microseconds for which the client polls for a response before it sleeps.
    var busyPoll = 0
    var process = Workload.MeasuredProcess.caller
    /// The maximum of the timed part in seconds.
    var maxSeconds = 30.0

    /// The parameter in a report: the number of connections or outstanding calls of a mode.
    var parameter: Int { mode == .pipe ? outstanding : connections }

    /// The reason why the plan cannot be measured, as one sentence; nil if it can.
    var validationError: String? {
        if calls < 1 { return "there must be at least one call to measure, not \(calls)" }
        if warmup < 0 { return "\(warmup) is no number of calls to warm up with" }
        if !(1...Self.maxConnections).contains(connections) {
            return "\(connections) connections are not in the range 1 to \(Self.maxConnections)"
        }
        if !(1...Self.maxOutstanding).contains(outstanding) {
            return "\(outstanding) calls outstanding are not in the range 1 to \(Self.maxOutstanding)"
        }
        if !(0...Self.maxTasks).contains(tasks) { return "\(tasks) tasks are not in the range 0 to \(Self.maxTasks)" }
        if tasks > 0, mode != .lat { return "tasks share the one connection of their client" }
        if prefersExecutor, tasks == 0 { return "only tasks have an executor" }
        if !(0...Self.maxBusyPoll).contains(busyPoll) {
            return "\(busyPoll) microseconds of polling are not in the range 0 to \(Self.maxBusyPoll)"
        }
        if let pid = process.pid, !(2...4_194_304).contains(pid) {
            return "\(pid) is no process id: those are 2 to 4194304"
        }
        return nil
    }
}
