import RlimitKernel
import RlimitModel
import Synchronization

/// Keeps the leases of a client's handles alive: it claims leases without a duration from a new agent, and renews them
/// if a rule bounds the time without a renewal.
final class LeaseRenewer: Sendable {
    let sharedConnection: SharedConnection<AsyncConnection>
    /// The duration for which a lost agent is retried.
    private let retryPeriod: Duration
    private let leases = Mutex<[LeaseInfo.ID: LeaseState]>([:])

    /// A new agent accepts claims for 30 seconds after its start, so retries must be more frequent.
    private static let maxPause = Duration.seconds(5)
    private static let minPause = Duration.milliseconds(20)
    private static let timeout: UInt64 = 10_000_000_000

    /// Renews at half of the remaining time. The other half is for an agent that is slow, or restarts.
    static func pauseBeforeRenewal(_ remaining: Duration) -> Duration { remaining / 2 }

    init(_ sharedConnection: SharedConnection<AsyncConnection>, retryPeriod: Duration = .seconds(600)) {
        self.sharedConnection = sharedConnection
        self.retryPeriod = retryPeriod
    }

    /// Tracks a lease that was granted or renewed on a connection, until `stopRenewing(_:)`.
    func track(_ leaseState: LeaseState, _ lease: LeaseInfo, _ term: LeaseTerm, on connection: AsyncConnection) {
        leaseState.update(lease, term, on: connection.token)
        guard leaseState.isBound() else { return leaseState.replaceRenewalTask(by: nil) }
        leases.withLock { $0[leaseState.id] = leaseState }
        if connection.isClosed { return reclaim(leaseState) }
        // A lease to which its owner gave a duration is not renewed.
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

    /// The handle is gone. Returns true, once, if the lease must be released.
    func stopRenewing(_ leaseState: LeaseState) -> Bool {
        guard leaseState.markReleased() else { return false }
        remove(leaseState)
        return true
    }

    /// The client closes its connection. The leases without a duration end.
    func close() {
        let all = leases.withLock { leases in
            defer { leases = [:] }
            return leases.values
        }
        for leaseState in all {
            leaseState.markEnded(.leaseEnded(leaseState.id, "the client was closed"))
            leaseState.replaceRenewalTask(by: nil)
        }
    }

    /// A connection with leases has ended.
    func connectionLost(_ connection: UInt64) {
        let all = leases.withLock { Array($0.values) }
        for leaseState in all where leaseState.isBound(to: connection) { reclaim(leaseState) }
    }

    /// Releases a lease that was granted to a call that no longer waits.
    func releaseUnclaimed(_ id: LeaseInfo.ID) { sendRelease(id) }

    /// Renews a lease with a new term.
    func renew(_ leaseState: LeaseState, _ term: LeaseTerm, until deadline: MonotonicDeadline) async throws(RlimitError)
    {
        try leaseState.requireLive()
        // Otherwise two renewals would set the end.
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

    // Retries until the renewal succeeds, the agent reports the end of the lease, or the period has passed.
    private func renew(_ leaseState: LeaseState, for retryPeriod: Duration) async {
        let end = ContinuousClock.now + retryPeriod
        var pause = Self.minPause
        while leaseState.isActive {
            do throws(RlimitError) {
                guard let term = leaseState.remainingTerm else {
                    throw RlimitError(.leaseEnded, message: "its duration has elapsed")
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
    // In nanoseconds. Long enough for an agent that is starting.
    private static let releaseTimeout: UInt64 = 30_000_000_000

    /// Releases a lease, even if the calling task is cancelled. The request is sent before this returns, if an open
    /// connection accepts it.
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
    /// Whether retrying the renewal is useless.
    fileprivate var endsLease: Bool {
        switch code {
        case .leaseEnded, .deniedByPolicy, .noSuchProcess, .unsupported, .invalidArgument: true
        default: false
        }
    }
}
