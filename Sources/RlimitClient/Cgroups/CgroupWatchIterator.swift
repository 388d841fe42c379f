import RlimitKernel
import RlimitModel

/// The state of one loop over a `CgroupWatch`.
final class CgroupWatchIterator {
    typealias Event = LimitClient.CgroupWatch.Event

    private let configuration: WatchConfiguration
    private let cgroup: Cgroup
    private let waiter = WatchWaiter()
    private var schedule: SamplingSchedule
    private var membership: CgroupMembership?
    private var members: [Int32: WatchedProcess] = [:]
    private var pidsByToken: [UInt64: Int32] = [:]
    // Processes whose failure was reported.
    private var failed: Set<Int32> = []
    private var wasListed = false
    private var isFinished = false
    private var events = PendingEvents<Event>()

    /// After this many samples the task yields its thread.
    private static let yieldInterval = 64

    init(_ configuration: WatchConfiguration, _ cgroup: Cgroup) {
        self.configuration = configuration
        self.cgroup = cgroup
        schedule = SamplingSchedule(configuration)
    }

    func next(isolation actor: isolated (any Actor)?) async throws(RlimitError) -> Event? {
        do throws(RlimitError) {
            while events.isEmpty, !isFinished {
                events.removeAll()
                try await advance(isolation: actor)
            }
        } catch {
            finish()
            throw error
        }
        return events.next()
    }

    private func advance(isolation actor: isolated (any Actor)?) async throws(RlimitError) {
        if Task.isCancelled { throw .cancelledWatch }
        if let membership {
            let exitedTokens = try await WatchScheduler.forWatching().wait(waiter, until: schedule.due)
            if Task.isCancelled { throw .cancelledWatch }
            for token in exitedTokens { if let pid = pidsByToken[token] { remove(pid, .process(pid: pid, .exited)) } }
            guard exitedTokens.isEmpty else { return }
            schedule.advance()
            return try await sampleAll(membership, isolation: actor)
        }
        try configuration.check()
        let membership = try CgroupMembership(configuration.client, cgroup)
        self.membership = membership
        schedule.advance()
        try await sampleAll(membership, isolation: actor)
    }

    private func sampleAll(_ membership: CgroupMembership, isolation actor: isolated (any Actor)?)
        async throws(RlimitError)
    {
        let listing: CgroupMembership.Listing
        do throws(RlimitError) {
            guard let found = try await membership.list(wasListed: wasListed) else { return finishRemoved() }
            listing = found
        } catch {
            guard wasListed, error.isTransient else { throw error }
            return
        }
        wasListed = true
        if listing.isComplete { removeAll(except: Set(listing.pids)) }
        for (index, pid) in listing.pids.enumerated() {
            if index % Self.yieldInterval == Self.yieldInterval - 1 { await Task.yield() }
            try await sample(at: pid, listing.readings[pid], isolation: actor)
        }
        events.append(.looked(processes: members.count))
    }

    private func sample(
        at pid: Int32, _ reading: CgroupMembership.Reading?, isolation actor: isolated (any Actor)?
    ) async throws(RlimitError) {
        let isNew = members[pid] == nil && !failed.contains(pid)
        do throws(RlimitError) {
            let process = try member(pid)
            let seen = try await process.sample(reading)
            if isNew { events.append(.appeared(pid: pid)) }
            failed.remove(pid)
            for event in seen { events.append(.process(pid: pid, event)) }
        } catch {
            switch error.code {
            case .cancelled: throw error
            case .noSuchProcess where isNew: remove(pid, nil)
            case .noSuchProcess: remove(pid, .process(pid: pid, .exited))
            default:
                if isNew { events.append(.appeared(pid: pid)) }
                if failed.insert(pid).inserted { events.append(.failed(pid: pid, error)) }
            }
        }
    }

    private func member(_ pid: Int32) throws(RlimitError) -> WatchedProcess {
        if let process = members[pid] { return process }
        let process = try WatchedProcess(.process(pid), configuration, try WatchScheduler.forWatching(), waiter)
        members[pid] = process
        if let token = process.token { pidsByToken[token] = pid }
        return process
    }

    // Removes the processes that have left the cgroup.
    private func removeAll(except pids: Set<Int32>) {
        for (pid, process) in members where !pids.contains(pid) {
            let isAlive = (try? process.resolvedTarget.requireAlive()) != nil
            remove(pid, isAlive ? .left(pid: pid) : .process(pid: pid, .exited))
        }
        failed.formIntersection(pids)
    }

    private func remove(_ pid: Int32, _ event: Event?) {
        if let token = members.removeValue(forKey: pid)?.token { pidsByToken[token] = nil }
        failed.remove(pid)
        if let event { events.append(event) }
    }

    private func finishRemoved() {
        removeAll(except: [])
        finish()
    }

    private func finish() {
        isFinished = true
        members = [:]
        pidsByToken = [:]
    }
}
