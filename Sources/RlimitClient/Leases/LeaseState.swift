import RlimitKernel
import RlimitModel
import Synchronization

/// The state of a lease, shared by its handle and the renewer.
final class LeaseState: Sendable {
    let id: LeaseInfo.ID
    let changes: [Change]
    // A child after fork(2) has copies of its parent's handles.
    private let generation = ForkGeneration.current
    private let state: Mutex<State>

    private struct State {
        // The last requested term. A lease that ended with the connection still does after it was given a duration.
        var term: LeaseTerm
        var endsWithConnection: Bool
        var expires: ContinuousClock.Instant?
        var endReason: RlimitError?
        var isActive = true
        // The token of the connection of the lease.
        var connection: UInt64?
        var renewalTask: Task<Void, Never>?
    }

    init(_ lease: LeaseInfo, _ term: LeaseTerm) {
        id = lease.id
        changes = lease.changes
        state = Mutex(State(term: term, endsWithConnection: term == .connection, expires: lease.expires))
    }

    var expires: ContinuousClock.Instant? { state.withLock(\.expires) }
    /// Whether its handle exists and it has not ended.
    var isActive: Bool { state.withLock { $0.isActive && $0.endReason == nil } }

    /// - Throws: `.leaseEnded`.
    func requireLive() throws(RlimitError) {
        if let endReason = state.withLock(\.endReason) { throw endReason }
    }

    /// Whether it ends with the connection, and so must be claimed again after the connection is lost.
    func isBound(to connection: UInt64? = nil) -> Bool {
        state.withLock { state in
            guard state.isActive, state.endReason == nil, state.endsWithConnection else { return false }
            return connection == nil || connection == state.connection
        }
    }

    /// The term with which a renewal keeps its end; nil if its duration has elapsed.
    var remainingTerm: LeaseTerm? {
        state.withLock { state in
            guard case .duration = state.term, let expires = state.expires else { return state.term }
            let remaining = expires - .now
            return remaining > .zero ? .duration(remaining) : nil
        }
    }

    /// Records a renewal.
    func update(_ lease: LeaseInfo, _ term: LeaseTerm, on connection: UInt64?) {
        state.withLock { state in
            state.term = term
            if term == .connection { state.endsWithConnection = true }
            state.expires = lease.expires
            state.connection = connection
        }
    }

    /// The agent has ended the lease, or could not be reached to renew it. Every later use throws this error.
    func markEnded(_ error: RlimitError) {
        state.withLock { state in
            if state.isActive, state.endReason == nil { state.endReason = error }
        }
    }

    /// The handle is gone. Returns true if the lease must be released: once, before it ends, and in the process that
    /// owns it.
    func markReleased() -> Bool {
        guard generation == .current else { return false }
        let (isLast, renewalTask) = state.withLock { state in
            defer { state.isActive = false }
            return (state.isActive && state.endReason == nil, state.renewalTask.take())
        }
        renewalTask?.cancel()
        return isLast
    }

    /// Replaces the task that renews the lease, and cancels the old one.
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
    /// The time at which it ends without a renewal.
    var expires: ContinuousClock.Instant? { remaining.map { .now + $0 } }
}
