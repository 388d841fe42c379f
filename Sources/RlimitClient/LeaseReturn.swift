import RlimitKernel
import RlimitModel
import Synchronization

/// What comes of giving a lease back: sent before anybody waits, and waited for as long as somebody likes.
final class LeaseReturn: Sendable {
    private enum Stage {
        case nobodyWaits
        case waited(CheckedContinuation<Void, Never>)
        case done(Result<[Restoration], RlimitError>)
    }

    private let stage = Mutex(Stage.nobodyWaits)

    /// Waits for the answer, the deadline or the end of the task, whichever is first. Once.
    ///
    /// - Throws: What the agent said; `.cancelled`, `.deadlineExceeded`: it is given back all the same.
    func restorations(at place: AgentSocket, until deadline: Deadline) async throws(RlimitError) -> [Restoration] {
        let alarm = deadline.left.map { left in
            Task { [weak self] in
                do { try await Task.sleep(for: .nanoseconds(left)) } catch { return }
                self?.finish(.failure(.late(place)))
            }
        }
        defer { alarm?.cancel() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { wait($0) }
        } onCancel: {
            finish(.failure(.cancelled(place)))
        }
        guard case .done(let result) = stage.withLock({ $0 }) else { throw RlimitError(.internalError) }
        return try result.get()
    }

    /// This came of it, if nothing did before.
    func finish(_ result: Result<[Restoration], RlimitError>) {
        let continuation: CheckedContinuation<Void, Never>? = stage.withLock { stage in
            switch stage {
            case .done: return nil
            case .nobodyWaits:
                stage = .done(result)
                return nil
            case .waited(let continuation):
                stage = .done(result)
                return continuation
            }
        }
        continuation?.resume()
    }

    private func wait(_ continuation: CheckedContinuation<Void, Never>) {
        let isDone = stage.withLock { stage in
            if case .done = stage { return true }
            stage = .waited(continuation)
            return false
        }
        if isDone { continuation.resume() }
    }
}

extension LeaseKeeper {
    // Also for an agent that is only being started.
    private static let timeToGiveBack: UInt64 = 30_000_000_000

    /// Gives a lease back, whatever becomes of the task that asks: the request is sent when this returns, where there is a
    /// connection that takes it.
    @discardableResult
    func giveBack(_ id: LeaseInfo.ID) -> LeaseReturn {
        let coming = LeaseReturn()
        Task.immediateDetached { [link] in
            do throws(RlimitError) {
                let deadline = Deadline(after: Self.timeToGiveBack)
                coming.finish(.success(try await link.ask(ReleaseQuestion(id), until: deadline)))
            } catch {
                coming.finish(.failure(error))
            }
        }
        return coming
    }
}
