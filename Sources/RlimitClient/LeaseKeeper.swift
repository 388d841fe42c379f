import RlimitKernel
import RlimitModel
import Synchronization

/// Keeps the leases of a client's handles from ending before their time: those that last as long as the connection are
/// claimed again from a new agent, and renewed where a rule bounds how long they may go without that.
final class LeaseKeeper: Sendable {
    let link: AgentLink<TaskConnection>
    /// How long a lost agent is waited for.
    private let patience: Duration
    private let leases = Mutex<[LeaseInfo.ID: HeldLease]>([:])

    /// A new agent gives 30 seconds from when it starts, so it must be asked more often than that.
    private static let longestPause = Duration.seconds(5)
    private static let firstPause = Duration.milliseconds(20)
    private static let timeout: UInt64 = 10_000_000_000

    /// Half of what is left leaves as much again for an agent that is slow, or being started.
    static func pauseBeforeRenewal(_ remaining: Duration) -> Duration { remaining / 2 }

    init(_ link: AgentLink<TaskConnection>, patience: Duration = .seconds(600)) {
        self.link = link
        self.patience = patience
    }

    /// Holds a lease that was granted or renewed on a connection, until `letGo`.
    func keep(_ held: HeldLease, _ lease: LeaseInfo, _ term: LeaseTerm, on connection: TaskConnection) {
        held.note(lease, term, on: connection.token)
        guard held.isBound() else { return held.replaceUpkeep(by: nil) }
        leases.withLock { $0[held.id] = held }
        if connection.hasEnded { return claim(held) }
        // One that its owner gave an end has it.
        guard term == .connection, let remaining = lease.remaining else { return held.replaceUpkeep(by: nil) }
        let pause = Self.pauseBeforeRenewal(remaining)
        let task = Task { [weak self] in
            do { try await Task.sleep(for: pause) } catch { return }
            await self?.renew(held, for: remaining - pause)
        }
        held.replaceUpkeep(by: task)
    }

    /// The handle is gone; true where the lease is to be given back, which is so once.
    func letGo(_ held: HeldLease) -> Bool {
        guard held.letGo() else { return false }
        forget(held)
        return true
    }

    /// The client closes its connection, and all that lasts as long ends with it.
    func close() {
        let all = leases.withLock { leases in
            defer { leases = [:] }
            return leases.values
        }
        for held in all {
            held.end(.leaseEnded(held.id, "its client was closed"))
            held.replaceUpkeep(by: nil)
        }
    }

    /// A connection has ended, on which leases were held.
    func lost(_ connection: UInt64) {
        let all = leases.withLock { Array($0.values) }
        for held in all where held.isBound(to: connection) { claim(held) }
    }

    /// A lease was granted to somebody who had stopped waiting for it: it is nobody's, and goes back.
    func strayed(_ id: LeaseInfo.ID) { giveBack(id) }

    /// Asks for another end of a lease, and holds it so.
    func renew(_ held: HeldLease, _ term: LeaseTerm, until deadline: Deadline) async throws(RlimitError) {
        try held.requireLive()
        // Else both would say when it ends.
        held.replaceUpkeep(by: nil)
        do throws(RlimitError) {
            let question = RenewalQuestion(held.id, term)
            let (lease, connection) = try await link.ask(question, reportingTo: self, until: deadline)
            keep(held, lease, term, on: connection)
        } catch {
            if error.code == .leaseEnded { end(held, error) } else if held.isBound() { claim(held) }
            throw error
        }
    }

    private func claim(_ held: HeldLease) {
        let patience = patience
        held.replaceUpkeep(by: Task { [weak self] in await self?.renew(held, for: patience) })
    }

    private func forget(_ held: HeldLease) { leases.withLock { _ = $0.removeValue(forKey: held.id) } }

    private func end(_ held: HeldLease, _ error: RlimitError) {
        held.end(.leaseEnded(held.id, error.message))
        forget(held)
    }

    // Until it succeeds, the agent says that it has ended, or that long has passed.
    private func renew(_ held: HeldLease, for patience: Duration) async {
        let end = ContinuousClock.now + patience
        var pause = Self.firstPause
        while held.isHeld {
            do throws(RlimitError) {
                guard let term = held.termLeft else { throw RlimitError(.leaseEnded, message: "its time is over") }
                let question = RenewalQuestion(held.id, term)
                let deadline = Deadline(after: Self.timeout)
                let (lease, connection) = try await link.ask(question, reportingTo: self, until: deadline)
                guard !Task.isCancelled else { return }
                return keep(held, lease, term, on: connection)
            } catch {
                guard !Task.isCancelled else { return }
                guard !error.endsLease, .now + pause < end else { return self.end(held, error) }
                do { try await Task.sleep(for: max(pause, error.retryAfter ?? .zero)) } catch { return }
                pause = min(pause * 2, Self.longestPause)
            }
        }
    }
}

extension RlimitError {
    /// Whether to ask again for the same lease is in vain.
    fileprivate var endsLease: Bool {
        switch code {
        case .leaseEnded, .deniedByPolicy, .noSuchProcess, .unsupported, .invalidArgument: true
        default: false
        }
    }
}
