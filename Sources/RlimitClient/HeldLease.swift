import RlimitKernel
import RlimitModel
import Synchronization

/// A lease that is held here: what its handle knows, and whoever keeps it from ending.
final class HeldLease: Sendable {
    let id: LeaseInfo.ID
    let changes: [Change]
    // A child after fork(2) has copies of handles that are its parent's.
    private let mark = ProcessMark.current
    private let state: Mutex<State>

    private struct State {
        // What was asked last. One that lasts as long as the connection also does so where it was given an end since.
        var term: LeaseTerm
        var endsWithConnection: Bool
        var expires: ContinuousClock.Instant?
        var ending: RlimitError?
        var isHeld = true
        // The token of the connection that it is bound to.
        var connection: UInt64?
        var upkeep: Task<Void, Never>?
    }

    init(_ lease: LeaseInfo, _ term: LeaseTerm) {
        id = lease.id
        changes = lease.changes
        state = Mutex(State(term: term, endsWithConnection: term == .connection, expires: lease.expires))
    }

    var expires: ContinuousClock.Instant? { state.withLock(\.expires) }
    /// Whether its handle is still there and it has not ended.
    var isHeld: Bool { state.withLock { $0.isHeld && $0.ending == nil } }

    /// - Throws: `.leaseEnded`.
    func requireLive() throws(RlimitError) {
        if let ending = state.withLock(\.ending) { throw ending }
    }

    /// Whether it lasts as long as the connection, and must be claimed again when that is lost.
    func isBound(to connection: UInt64? = nil) -> Bool {
        state.withLock { state in
            guard state.isHeld, state.ending == nil, state.endsWithConnection else { return false }
            return connection == nil || connection == state.connection
        }
    }

    /// What is to be asked so that it goes on as it is; nil where its time is over.
    var termLeft: LeaseTerm? {
        state.withLock { state in
            guard case .duration = state.term, let expires = state.expires else { return state.term }
            let left = expires - .now
            return left > .zero ? .duration(left) : nil
        }
    }

    /// It was renewed.
    func note(_ lease: LeaseInfo, _ term: LeaseTerm, on connection: UInt64?) {
        state.withLock { state in
            state.term = term
            if term == .connection { state.endsWithConnection = true }
            state.expires = lease.expires
            state.connection = connection
        }
    }

    /// The agent has ended it, or nobody could be asked to keep it: every use from now on says so.
    func end(_ error: RlimitError) {
        state.withLock { state in
            if state.isHeld, state.ending == nil { state.ending = error }
        }
    }

    /// Nobody holds it any more. True where it is to be given back: once, while it lasts, and in the process whose it is.
    func letGo() -> Bool {
        guard mark == .current else { return false }
        let (isLast, upkeep) = state.withLock { state in
            defer { state.isHeld = false }
            return (state.isHeld && state.ending == nil, state.upkeep.take())
        }
        upkeep?.cancel()
        return isLast
    }

    /// What keeps it from ending from now on; what did before is stopped.
    func replaceUpkeep(by task: Task<Void, Never>?) {
        let (old, isWanted) = state.withLock { state in
            let old = state.upkeep
            let isWanted = state.isHeld && state.ending == nil
            state.upkeep = isWanted ? task : nil
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
