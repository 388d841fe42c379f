import RlimitKernel
import RlimitModel

/// A watched process: pinned, sampled, and compared with its last sample.
final class WatchedProcess {
    let resolvedTarget: ResolvedTarget
    /// The scheduler's token for its end; nil without a pidfd.
    let token: UInt64?
    private let configuration: WatchConfiguration
    private let scheduler: WatchScheduler
    private let sampler: ProcessSampler?
    private var thresholds: [WatchedThreshold]
    private var limits: Limits?
    private var failures = 0

    private static let maxFailures = 10

    /// - Throws: `.noSuchProcess`, `.invalidArgument`.
    init(_ target: Target, _ configuration: WatchConfiguration, _ scheduler: WatchScheduler, _ waiter: WatchWaiter)
        throws(RlimitError)
    {
        self.configuration = configuration
        self.scheduler = scheduler
        thresholds = configuration.alerts.map(WatchedThreshold.init)
        resolvedTarget = try ResolvedTarget(target)
        let asksKernel = configuration.client.strategy == .kernelFirst
        sampler = asksKernel ? resolvedTarget.pid.map { ProcessSampler(of: $0, for: configuration.resources) } : nil
        // The sampler's files of /proc belong to this process only if it is still alive now.
        try resolvedTarget.requireAlive()
        do throws(SystemError) {
            switch resolvedTarget {
            case .pinned(let process): token = try scheduler.watchExit(process, for: waiter)
            case .caller, .unpinned: token = nil
            }
        } catch {
            throw RlimitError(error, about: resolvedTarget.name)
        }
    }

    deinit { if let token { scheduler.stopWatchingExit(token) } }

    /// Takes a sample, and returns its events; none after a transient failure.
    ///
    /// - Parameter reading: The agent's reading of the process, if it is known already.
    /// - Throws: `.noSuchProcess` if the process has ended; as `limits(of:)`.
    func sample(_ reading: CgroupMembership.Reading? = nil) async throws(RlimitError) -> [LimitClient.Watch.Event] {
        do throws(RlimitError) {
            let events = try await compare(reading)
            failures = 0
            return events
        } catch {
            failures += 1
            // A failure of the first sample is an error.
            guard error.isTransient, limits != nil, failures < Self.maxFailures else { throw error }
            return []
        }
    }

    private func compare(_ reading: CgroupMembership.Reading?) async throws(RlimitError) -> [LimitClient.Watch.Event] {
        let deadline = configuration.client.deadline
        let instant = ContinuousClock.now
        let new = try await readLimits(reading, until: deadline)
        let usage = try await readUsage(reading, until: deadline)
        try resolvedTarget.requireAlive()
        var events: [LimitClient.Watch.Event] = []
        if let old = limits {
            for resource in configuration.resources where old[resource] != new[resource] {
                events.append(.changed(resource, old: old[resource], new: new[resource]))
            }
        }
        let isFirst = limits == nil
        limits = new
        for index in thresholds.indices {
            let threshold = thresholds[index].threshold
            let limit = new[threshold.resource]
            guard let used = usage[threshold.resource] else {
                if isFirst { throw usageNotShown(threshold) }
                continue
            }
            if thresholds[index].isCrossed(by: used, under: limit) {
                events.append(.crossed(threshold, used: used, limit: limit))
            }
        }
        events.append(.sample(.init(limits: new, usage: usage, instant: instant)))
        return events
    }

    private func readLimits(
        _ reading: CgroupMembership.Reading?, until deadline: MonotonicDeadline
    ) async throws(RlimitError) -> Limits {
        if let reading { return try reading.limits.get() }
        if let limits = try? sampler?.limits() { return limits }
        if let limits = try resolvedTarget.limits(.all, configuration.client.strategy) { return limits }
        return try await configuration.client.sharedConnection.perform(
            LimitsCall(.all, of: resolvedTarget), until: deadline)
    }

    // Without a threshold, a refused use is not an error: /proc may be hidden, or a rule may permit reading limits
    // only.
    private func readUsage(_ reading: CgroupMembership.Reading?, until deadline: MonotonicDeadline)
        async throws(RlimitError) -> Usage
    {
        if let reading { return reading.usage ?? Usage() }
        if let usage = try? sampler?.usage() { return usage }
        do throws(RlimitError) {
            if let usage = try resolvedTarget.usage(.process, configuration.client.strategy) { return usage }
            return try await configuration.client.sharedConnection.perform(
                UsageCall(.process, of: resolvedTarget), until: deadline)
        } catch {
            guard thresholds.isEmpty, error.code.isRefusal else { throw error }
            return Usage()
        }
    }

    private func usageNotShown(_ threshold: LimitClient.Watch.Threshold) -> RlimitError {
        RlimitError(
            .unsupported,
            message:
                "the kernel does not show how much of \(threshold.resource) \(resolvedTarget.name) uses, so a threshold cannot be "
                + "watched",
            resource: threshold.resource)
    }
}

extension RlimitError.Code {
    // Whether the use is refused for lasting reasons.
    fileprivate var isRefusal: Bool {
        switch self {
        case .deniedByPolicy, .deniedByKernel, .unsupported, .agentUnreachable, .untrustedSocket: true
        default: false
        }
    }
}
