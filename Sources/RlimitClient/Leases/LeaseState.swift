import RlimitKernel
import RlimitModel
import Synchronization

/// A lease that is held here: what its handle knows, and whoever keeps it from ending.
final class LeaseState: Sendable {
    let id: LeaseInfo.ID
    let changes: [Change]
    // A child after fork(2) has copies of handles that are its parent's.
    private let generation = ForkGeneration.current
    private let state: Mutex<State>

    private struct State {
        // What was asked last. One that lasts as long as the connection also does so where it was given an end since.
        var term: LeaseTerm
        var endsWithConnection: Bool
        var expires: ContinuousClock.Instant?
        var endReason: RlimitError?
        var isActive = true
        // The token of the connection that it is bound to.
        var connection: UInt64?
        var renewalTask: Task<Void, Never>?
    }

    init(_ lease: LeaseInfo, _ term: LeaseTerm) {
        id = lease.id
        changes = lease.changes
        state = Mutex(State(term: term, endsWithConnection: term == .connection, expires: lease.expires))
    }

    var expires: ContinuousClock.Instant? { state.withLock(\.expires) }
    /// Whether its handle is still there and it has not ended.
    var isActive: Bool { state.withLock { $0.isActive && $0.endReason == nil } }

    /// - Throws: `.leaseEnded`.
    func requireLive() throws(RlimitError) {
        if let endReason = state.withLock(\.endReason) { throw endReason }
    }

    /// Whether it lasts as long as the connection, and must be claimed again when that is lost.
    func isBound(to connection: UInt64? = nil) -> Bool {
        state.withLock { state in
            guard state.isActive, state.endReason == nil, state.endsWithConnection else { return false }
            return connection == nil || connection == state.connection
        }
    }

    /// What is to be asked so that it goes on as it is; nil where its time is over.
    var remainingTerm: LeaseTerm? {
        state.withLock { state in
            guard case .duration = state.term, let expires = state.expires else { return state.term }
            let remaining = expires - .now
            return remaining > .zero ? .duration(remaining) : nil
        }
    }

    /// It was renewed.
    func update(_ lease: LeaseInfo, _ term: LeaseTerm, on connection: UInt64?) {
        state.withLock { state in
            state.term = term
            if term == .connection { state.endsWithConnection = true }
            state.expires = lease.expires
            state.connection = connection
        }
    }

    /// The agent has ended it, or nobody could be asked to keep it: every use from now on says so.
    func markEnded(_ error: RlimitError) {
        state.withLock { state in
            if state.isActive, state.endReason == nil { state.endReason = error }
        }
    }

    /// Nobody holds it any more. True where it is to be given back: once, while it lasts, and in the process whose it is.
    func markReleased() -> Bool {
        guard generation == .current else { return false }
        let (isLast, renewalTask) = state.withLock { state in
            defer { state.isActive = false }
            return (state.isActive && state.endReason == nil, state.renewalTask.take())
        }
        renewalTask?.cancel()
        return isLast
    }

    /// What keeps it from ending from now on; what did before is stopped.
    func replaceRenewalTask(by task: Task<Void, Never>?) {
        let (old, isWanted) = state.withLock { state in
            let old = state.renewalTask
            let isWanted = state.isActive && state.endReason == nil
            state.renewalTask = isWanted ? task : nil
            return (old, isWanted)
        }
        old?.cancel()
        if !isWanted { task?.cancel() }
    }
}

extension LeaseInfo {
    /// When it ends, if nobody renews it.
    var expires: ContinuousClock.Instant? { remaining.map { .now + $0 } }
}
