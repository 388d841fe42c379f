import ArgumentParser
import RlimitClient

/// The results for the processes of a cgroup or pod. Successes go to standard output; failures are summarized on
/// standard error.
struct CgroupReport<Value: Sendable> {
    /// The number of failures that are printed individually.
    static var maxFailuresShown: Int { 10 }

    private let entries: [(process: ProcessLabel, result: Result<Value, RlimitError>)]
    private let isComplete: Bool

    init(_ results: PerProcess<Value>) {
        isComplete = results.isComplete
        entries = results.map { (ProcessLabel(pid: $0.pid), $0.result) }
    }

    /// The processes without an error.
    var successes: [(process: ProcessLabel, value: Value)] {
        entries.compactMap { process, result in (try? result.get()).map { (process, $0) } }
    }

    private var failures: [(process: ProcessLabel, error: RlimitError)] {
        entries.compactMap { process, result in
            guard case .failure(let error) = result else { return nil }
            return (process, error)
        }
    }

    /// `{"cgroup":"/a","pod":null,"isComplete":true,"processes":[{"pid":7,"command":"bash",...,"error":null}]}`
    ///
    /// - Parameters:
    ///   - more: Members after those of the options.
    ///   - name: The key of the value in each process; the value is null for a failure.
    func json(
        _ options: CgroupOptions, _ more: [(String, JSON)] = [], as name: String, _ value: (Value) -> JSON
    ) -> JSON {
        let processes = entries.map { process, result in
            let (found, error): (JSON, JSON) =
                switch result {
                case .success(let success): (value(success), .null)
                case .failure(let error): (.null, .error(error))
                }
            return JSON.object(process.members + [(name, found), ("error", error)])
        }
        return .object(options.members + more + [("isComplete", .bool(isComplete)), ("processes", .array(processes))])
    }

    /// Prints the failures, and ends the command with their exit status.
    ///
    /// - Parameter participle: What happened to the processes without an error: "changed".
    func finish(_ participle: String) throws {
        for sentence in summary(participle) { Output.note(sentence) }
        if status != ExitStatus.done { throw ExitCode(status) }
    }

    private func summary(_ participle: String) -> [String] {
        let failures = failures
        var sentences = failures.prefix(Self.maxFailuresShown).map {
            "\($0.process): \($0.error.message.forTerminal)"
        }
        if failures.count > Self.maxFailuresShown {
            sentences.append("and \(failures.count - Self.maxFailuresShown) more")
        }
        if !failures.isEmpty {
            sentences.append("\(entries.count - failures.count) of \(entries.count) processes are \(participle)")
        }
        if entries.isEmpty, isComplete { sentences.append("the cgroup has no processes") }
        if !isComplete {
            sentences.append("processes may be missing: the search did not finish in time")
        }
        return sentences
    }

    // 77 if any process was denied; 1 for other failures and for an incomplete list.
    private var status: Int32 {
        let statuses = failures.map { $0.error.code.exitStatus }
        if statuses.contains(ExitStatus.denied) { return ExitStatus.denied }
        return statuses.isEmpty && isComplete ? ExitStatus.done : ExitStatus.failed
    }
}
