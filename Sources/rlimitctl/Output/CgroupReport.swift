import ArgumentParser
import RlimitClient
import RlimitKernel

/// What was answered of each process of a cgroup, ready to be told: what was granted on standard output, and what was
/// not in a few lines on standard error.
struct CgroupReport<Value: Sendable> {
    /// One process that the agent found.
    struct Entry {
        let pid: Int32?
        /// What it calls itself, safe to print; nil where that cannot be seen, or it has ended meanwhile.
        let command: String?
        let result: Result<Value, RlimitError>

        /// "bash (pid 4242)"
        var label: String { pid.map { "\(command ?? "process") (pid \($0))" } ?? "a process without a pid here" }
    }

    /// So many failures are told one by one.
    static var maxFailuresShown: Int { 10 }

    let entries: [Entry]
    let isComplete: Bool

    init(_ answer: PerProcess<Value>) {
        isComplete = answer.isComplete
        entries = answer.map { Entry(pid: $0.pid, command: $0.pid.flatMap(Procfs.comm), result: $0.result) }
    }

    /// Of what there is an answer.
    var successes: [(entry: Entry, value: Value)] {
        entries.compactMap { entry in (try? entry.result.get()).map { (entry, $0) } }
    }

    private var failures: [(entry: Entry, error: RlimitError)] {
        entries.compactMap { entry in
            guard case .failure(let error) = entry.result else { return nil }
            return (entry, error)
        }
    }

    /// `{"cgroup":"/a","pod":null,"isComplete":true,"processes":[{"pid":7,"command":"bash",...,"error":null}]}`
    ///
    /// - Parameters:
    ///   - name: The key of the value in each process; null where there is an error instead.
    func json(
        _ options: CgroupOptions, _ more: [(String, JSON)] = [], as name: String, _ value: (Value) -> JSON
    ) -> JSON {
        let processes = entries.map { entry in
            let (found, error): (JSON, JSON) =
                switch entry.result {
                case .success(let success): (value(success), .null)
                case .failure(let error): (.null, .error(error))
                }
            return JSON.object([
                ("pid", entry.pid.map { .integer(Int($0)) } ?? .null), ("command", .optional(entry.command)),
                (name, found), ("error", error),
            ])
        }
        return .object(options.members + more + [("isComplete", .bool(isComplete)), ("processes", .array(processes))])
    }

    /// Says what is missing, and ends the command with the status for it.
    ///
    /// - Parameters:
    ///   - done: What was done with those processes that did not fail: "changed".
    func finish(_ done: String) throws {
        for sentence in remarks(done) { Output.note(sentence) }
        if status != ExitStatus.done { throw ExitCode(status) }
    }

    /// In sentences, what a person should know beside the answers.
    func remarks(_ done: String) -> [String] {
        let failures = failures
        var sentences = failures.prefix(Self.maxFailuresShown).map {
            "\($0.entry.label): \($0.error.message.forTerminal)"
        }
        if failures.count > Self.maxFailuresShown {
            sentences.append("and \(failures.count - Self.maxFailuresShown) more")
        }
        if !failures.isEmpty {
            sentences.append("\(entries.count - failures.count) of \(entries.count) processes are \(done)")
        }
        if entries.isEmpty, isComplete { sentences.append("there is no process in it") }
        if !isComplete { sentences.append("not every process was seen: new ones kept appearing until time was up") }
        return sentences
    }

    /// Denied where any process was; failed where something else is missing.
    var status: Int32 {
        let statuses = failures.map { $0.error.code.exitStatus }
        if statuses.contains(ExitStatus.denied) { return ExitStatus.denied }
        return statuses.isEmpty && isComplete ? ExitStatus.done : ExitStatus.failed
    }
}
