import RlimitClient

/// What is to be measured, and how often.
struct Plan: Sendable {
    static let maxConnections = 20000
    static let maxTasks = 10000
    static let maxBusyPoll = 1000
    static let maxOutstanding = 128

    var socket: AgentSocket
    var mode = Mode.lat
    /// Timed calls, of all connections together.
    var calls = 20000
    /// Calls before the clock starts; at least one of each connection.
    var warmup = 1000
    var connections = 1
    /// Descriptors of connections that somebody else made; the rest are to be made.
    var connected: Range<Int32> = 0..<0
    /// Of each connection.
    var outstanding = 1
    /// That call at once through the asynchronous client; 0 calls through the blocking one.
    var tasks = 0
    /// That they run on the client's executor, and not where Swift runs tasks.
    var prefersExecutor = false
    /// How long the client polls for an answer before it sleeps, in microseconds.
    var busyPoll = 0
    var process = Workload.MeasuredProcess.caller
    /// The timed part ends early when this is over, in seconds.
    var maxSeconds = 30.0

    /// As the reports call it: how many connections or calls outstanding a mode has.
    var parameter: Int { mode == .pipe ? outstanding : connections }

    /// How far it is from something that can be measured, in a sentence; nil where it is not.
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
