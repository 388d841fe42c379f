import RlimitKernel
import RlimitModel

/// A process that is watched: held, looked at, and compared with what it was.
final class WatchedProcess {
    let subject: Subject
    /// Under which the lookout tells of its end; nil where there is nothing to hold it by.
    let token: UInt64?
    private let order: WatchOrder
    private let lookout: Lookout
    private let sight: ProcessSight?
    private var thresholds: [WatchedThreshold]
    private var limits: Limits?
    private var failures = 0

    private static let mostFailures = 10

    /// - Throws: `.noSuchProcess`, `.invalidArgument`.
    init(_ target: Target, _ order: WatchOrder, _ lookout: Lookout, _ post: LookoutPost) throws(RlimitError) {
        self.order = order
        self.lookout = lookout
        thresholds = order.alerts.map(WatchedThreshold.init)
        subject = try Subject(target)
        let asksKernel = order.client.strategy == .kernelFirst
        sight = asksKernel ? subject.number.map { ProcessSight(of: $0, for: order.resources) } : nil
        // The files that it has opened are those of this process.
        try subject.requireAlive()
        do throws(SystemError) {
            switch subject {
            case .held(let process): token = try lookout.hold(process, for: post)
            case .caller, .numbered: token = nil
            }
        } catch {
            throw RlimitError(error, about: subject.name)
        }
    }

    deinit { if let token { lookout.release(token) } }

    /// What is to be told of it now; nothing where it cannot be seen for the moment.
    ///
    /// - Parameter told: What the agent has said of it already.
    /// - Throws: `.noSuchProcess` where it has ended; as `limits(of:)`.
    func look(_ told: CgroupRoster.Told? = nil) async throws(RlimitError) -> [LimitClient.Watch.Event] {
        do throws(RlimitError) {
            let events = try await compare(told)
            failures = 0
            return events
        } catch {
            failures += 1
            // At first there is nothing yet that is worth waiting for.
            guard error.isTransient, limits != nil, failures < Self.mostFailures else { throw error }
            return []
        }
    }

    private func compare(_ told: CgroupRoster.Told?) async throws(RlimitError) -> [LimitClient.Watch.Event] {
        let deadline = order.client.deadline
        let instant = ContinuousClock.now
        let new = try await readLimits(told, until: deadline)
        let usage = try await readUsage(told, until: deadline)
        try subject.requireAlive()
        var events: [LimitClient.Watch.Event] = []
        if let old = limits {
            for resource in order.resources where old[resource] != new[resource] {
                events.append(.changed(resource, old: old[resource], new: new[resource]))
            }
        }
        let isFirst = limits == nil
        limits = new
        for index in thresholds.indices {
            let threshold = thresholds[index].threshold
            let limit = new[threshold.resource]
            guard let used = usage[threshold.resource] else {
                if isFirst { throw unseen(threshold) }
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
        _ told: CgroupRoster.Told?, until deadline: Deadline
    ) async throws(RlimitError) -> Limits {
        if let told { return try told.limits.get() }
        if let limits = try? sight?.limits() { return limits }
        if let limits = try subject.limits(.all, order.client.strategy) { return limits }
        return try await order.client.link.ask(LimitsQuestion(.all, of: subject), until: deadline)
    }

    // What is used is not worth failing for, unless there is a threshold: /proc may be hidden, or a rule give limits alone.
    private func readUsage(_ told: CgroupRoster.Told?, until deadline: Deadline) async throws(RlimitError) -> Usage {
        if let told { return told.usage ?? Usage() }
        if let usage = try? sight?.usage() { return usage }
        do throws(RlimitError) {
            if let usage = try subject.usage(.process, order.client.strategy) { return usage }
            return try await order.client.link.ask(UsageQuestion(.process, of: subject), until: deadline)
        } catch {
            guard thresholds.isEmpty, error.code.isRefusal else { throw error }
            return Usage()
        }
    }

    private func unseen(_ threshold: LimitClient.Watch.Threshold) -> RlimitError {
        RlimitError(
            .unsupported,
            message:
                "how much of \(threshold.resource) \(subject.name) uses is not shown, so no threshold can be watched",
            resource: threshold.resource)
    }
}

extension RlimitError.Code {
    // Limits are told, and use is not.
    fileprivate var isRefusal: Bool {
        switch self {
        case .deniedByPolicy, .deniedByKernel, .unsupported, .agentUnreachable, .untrustedSocket: true
        default: false
        }
    }
}
