import RlimitKernel
import RlimitModel
import Synchronization

/// Keeps the leases of a client's handles from ending before their time: those that last as long as the connection are
/// claimed again from a new agent, and renewed where a rule bounds how long they may go without that.
final class LeaseRenewer: Sendable {
    let sharedConnection: SharedConnection<AsyncConnection>
    /// How long a lost agent is waited for.
    private let retryPeriod: Duration
    private let leases = Mutex<[LeaseInfo.ID: LeaseState]>([:])

    /// A new agent gives 30 seconds from when it starts, so it must be asked more often than that.
    private static let maxPause = Duration.seconds(5)
    private static let minPause = Duration.milliseconds(20)
    private static let timeout: UInt64 = 10_000_000_000

    /// Half of what is left leaves as much again for an agent that is slow, or being started.
    static func pauseBeforeRenewal(_ remaining: Duration) -> Duration { remaining / 2 }

    init(_ sharedConnection: SharedConnection<AsyncConnection>, retryPeriod: Duration = .seconds(600)) {
        self.sharedConnection = sharedConnection
        self.retryPeriod = retryPeriod
    }

    /// Holds a lease that was granted or renewed on a connection, until `letGo`.
    func track(_ leaseState: LeaseState, _ lease: LeaseInfo, _ term: LeaseTerm, on connection: AsyncConnection) {
        leaseState.update(lease, term, on: connection.token)
        guard leaseState.isBound() else { return leaseState.replaceRenewalTask(by: nil) }
        leases.withLock { $0[leaseState.id] = leaseState }
        if connection.isClosed { return reclaim(leaseState) }
        // One that its owner gave an end has it.
        guard term == .connection, let remaining = lease.remaining else {
            return leaseState.replaceRenewalTask(by: nil)
        }
        let pause = Self.pauseBeforeRenewal(remaining)
        let task = Task { [weak self] in
            do { try await Task.sleep(for: pause) } catch { return }
            await self?.renew(leaseState, for: remaining - pause)
        }
        leaseState.replaceRenewalTask(by: task)
    }

    /// The handle is gone; true where the lease is to be given back, which is so once.
    func stopRenewing(_ leaseState: LeaseState) -> Bool {
        guard leaseState.markReleased() else { return false }
        remove(leaseState)
        return true
    }

    /// The client closes its connection, and all that lasts as long ends with it.
    func close() {
        let all = leases.withLock { leases in
            defer { leases = [:] }
            return leases.values
        }
        for leaseState in all {
            leaseState.markEnded(.leaseEnded(leaseState.id, "its client was closed"))
            leaseState.replaceRenewalTask(by: nil)
        }
    }

    /// A connection has ended, on which leases were held.
    func connectionLost(_ connection: UInt64) {
        let all = leases.withLock { Array($0.values) }
        for leaseState in all where leaseState.isBound(to: connection) { reclaim(leaseState) }
    }

    /// A lease was granted to somebody who had stopped waiting for it: it is nobody's, and goes back.
    func releaseUnclaimed(_ id: LeaseInfo.ID) { sendRelease(id) }

    /// Asks for another end of a lease, and holds it so.
    func renew(_ leaseState: LeaseState, _ term: LeaseTerm, until deadline: MonotonicDeadline) async throws(RlimitError)
    {
        try leaseState.requireLive()
        // Else both would say when it ends.
        leaseState.replaceRenewalTask(by: nil)
        do throws(RlimitError) {
            let call = LeaseRenewalCall(leaseState.id, term)
            let (lease, connection) = try await sharedConnection.perform(call, reportingTo: self, until: deadline)
            track(leaseState, lease, term, on: connection)
        } catch {
            if error.code == .leaseEnded {
                markEnded(leaseState, error)
            } else if leaseState.isBound() {
                reclaim(leaseState)
            }
            throw error
        }
    }

    private func reclaim(_ leaseState: LeaseState) {
        let retryPeriod = retryPeriod
        leaseState.replaceRenewalTask(by: Task { [weak self] in await self?.renew(leaseState, for: retryPeriod) })
    }

    private func remove(_ leaseState: LeaseState) { leases.withLock { _ = $0.removeValue(forKey: leaseState.id) } }

    private func markEnded(_ leaseState: LeaseState, _ error: RlimitError) {
        leaseState.markEnded(.leaseEnded(leaseState.id, error.message))
        remove(leaseState)
    }

    // Until it succeeds, the agent says that it has ended, or that long has passed.
    private func renew(_ leaseState: LeaseState, for retryPeriod: Duration) async {
        let end = ContinuousClock.now + retryPeriod
        var pause = Self.minPause
        while leaseState.isActive {
            do throws(RlimitError) {
                guard let term = leaseState.remainingTerm else {
                    throw RlimitError(.leaseEnded, message: "its time is over")
                }
                let call = LeaseRenewalCall(leaseState.id, term)
                let deadline = MonotonicDeadline(after: Self.timeout)
                let (lease, connection) = try await sharedConnection.perform(call, reportingTo: self, until: deadline)
                guard !Task.isCancelled else { return }
                return track(leaseState, lease, term, on: connection)
            } catch {
                guard !Task.isCancelled else { return }
                guard !error.endsLease, .now + pause < end else { return self.markEnded(leaseState, error) }
                do { try await Task.sleep(for: max(pause, error.retryAfter ?? .zero)) } catch { return }
                pause = min(pause * 2, Self.maxPause)
            }
        }
    }
}

extension LeaseRenewer {
    // Also for an agent that is only being started.
    private static let releaseTimeout: UInt64 = 30_000_000_000

    /// Gives a lease back, whatever becomes of the task that asks: the request is sent when this returns, where there is a
    /// connection that takes it.
    @discardableResult
    func sendRelease(_ id: LeaseInfo.ID) -> LeaseRelease {
        let release = LeaseRelease()
        Task.immediateDetached { [sharedConnection] in
            do throws(RlimitError) {
                let deadline = MonotonicDeadline(after: Self.releaseTimeout)
                release.finish(.success(try await sharedConnection.perform(LeaseReleaseCall(id), until: deadline)))
            } catch {
                release.finish(.failure(error))
            }
        }
        return release
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
