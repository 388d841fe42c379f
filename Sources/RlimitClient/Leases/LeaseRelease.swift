import RlimitKernel
import RlimitModel
import Synchronization

/// The release of a lease: sent before the caller waits, and independent of how long the caller waits.
final class LeaseRelease: Sendable {
    private enum Stage {
        case idle
        case waiting(CheckedContinuation<Void, Never>)
        case done(Result<[Restoration], RlimitError>)
    }

    private let stage = Mutex(Stage.idle)

    /// Waits for the response, the deadline or the cancellation of the task. May be called once.
    ///
    /// - Throws: The agent's error; `.cancelled` and `.deadlineExceeded`, which do not stop the release.
    func restorations(at agentSocket: AgentSocket, until deadline: MonotonicDeadline) async throws(RlimitError)
        -> [Restoration]
    {
        let timeoutTask = deadline.remaining.map { remaining in
            Task { [weak self] in
                do { try await Task.sleep(for: .nanoseconds(remaining)) } catch { return }
                self?.finish(.failure(.timedOut(agentSocket)))
            }
        }
        defer { timeoutTask?.cancel() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { wait($0) }
        } onCancel: {
            finish(.failure(.cancelled(agentSocket)))
        }
        guard case .done(let result) = stage.withLock({ $0 }) else { throw RlimitError(.internalError) }
        return try result.get()
    }

    /// Sets the outcome, unless it is set already.
    func finish(_ result: Result<[Restoration], RlimitError>) {
        let continuation: CheckedContinuation<Void, Never>? = stage.withLock { stage in
            switch stage {
            case .done: return nil
            case .idle:
                stage = .done(result)
                return nil
            case .waiting(let continuation):
                stage = .done(result)
                return continuation
            }
        }
        continuation?.resume()
    }

    private func wait(_ continuation: CheckedContinuation<Void, Never>) {
        let isDone = stage.withLock { stage in
            if case .done = stage { return true }
            stage = .waiting(continuation)
            return false
        }
        if isDone { continuation.resume() }
    }
}
