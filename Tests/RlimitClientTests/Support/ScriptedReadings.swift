import RlimitModel
import RlimitWire
import ScriptedAgents
import Synchronization

@testable import RlimitClient

private func limits(_ number: Int) -> Reply { .limits(.all, Limits(repeating: Limit(Limit.Bound(number)))) }

private func use(_ files: UInt64) -> Reply {
    var usage = Usage()
    usage[.openFiles] = files
    return .usage(usage)
}

/// A scripted agent whose readings a test changes at any time.
final class ScriptedReadings: Sendable {
    let pids = Mutex<[Int32]>([])
    let limit = Mutex(100)
    private let failure = Mutex<(error: RlimitError, count: Int)?>(nil)

    /// Fails the next requests.
    func fail(with error: RlimitError, times count: Int = .max) { failure.withLock { $0 = (error, count) } }

    func agent() throws -> ScriptedAgent {
        try ScriptedAgent { session in
            while let request = try session.next() { session.send(Response(id: request.id, self.answer(request))) }
        }
    }

    private func answer(_ request: Request) -> Result<Reply, RlimitError> {
        let error = failure.withLock { failure -> RlimitError? in
            guard let (error, count) = failure else { return nil }
            failure = count > 1 ? (error, count - 1) : nil
            return error
        }
        if let error { return .failure(error) }
        let number = limit.withLock { $0 }
        switch request.operation {
        case .get(.cgroup, _), .get(.pod, _): return .success(.processes(found(limits(number)), isIncomplete: false))
        case .usage(.cgroup, _), .usage(.pod, _): return .success(.processes(found(use(5)), isIncomplete: false))
        case .usage: return .success(use(5))
        default: return .success(limits(number))
        }
    }

    private func found(_ reply: Reply) -> [ProcessResult] {
        pids.withLock { $0 }.map { ProcessResult(pid: $0, .success(reply)) } + [
            ProcessResult(pid: nil, .success(reply))
        ]
    }
}
