import RlimitKernel
import RlimitModel

/// One loop over the watch of a cgroup.
final class CgroupCourse {
    typealias Event = LimitClient.CgroupWatch.Event

    private let order: WatchOrder
    private let cgroup: Cgroup
    private let post = LookoutPost()
    private var schedule: LookSchedule
    private var roster: CgroupRoster?
    private var members: [Int32: WatchedProcess] = [:]
    private var numbers: [UInt64: Int32] = [:]
    // Of which it was said that they cannot be looked at.
    private var failed: Set<Int32> = []
    private var isKnown = false
    private var isOver = false
    private var events: [Event] = []
    private var position = 0

    /// So many processes are looked at before others have a turn on this thread.
    private static let slice = 64

    init(_ order: WatchOrder, _ cgroup: Cgroup) {
        self.order = order
        self.cgroup = cgroup
        schedule = LookSchedule(order)
    }

    func next(isolation actor: isolated (any Actor)?) async throws(RlimitError) -> Event? {
        do throws(RlimitError) {
            while position == events.count, !isOver {
                (events, position) = ([], 0)
                try await goOn(isolation: actor)
            }
        } catch {
            end()
            throw error
        }
        guard position < events.count else { return nil }
        defer { position += 1 }
        return events[position]
    }

    private func goOn(isolation actor: isolated (any Actor)?) async throws(RlimitError) {
        if Task.isCancelled { throw .cancelledWatch }
        if let roster {
            let ended = try await Lookout.forWatches().rest(post, until: schedule.due)
            if Task.isCancelled { throw .cancelledWatch }
            for token in ended { if let pid = numbers[token] { remove(pid, .process(pid: pid, .exited)) } }
            guard ended.isEmpty else { return }
            schedule.begin()
            return try await look(roster, isolation: actor)
        }
        try order.check()
        let roster = try CgroupRoster(order.client, cgroup)
        self.roster = roster
        schedule.begin()
        try await look(roster, isolation: actor)
    }

    private func look(_ roster: CgroupRoster, isolation actor: isolated (any Actor)?) async throws(RlimitError) {
        let answer: CgroupRoster.Answer
        do throws(RlimitError) {
            guard let found = try await roster.list(isKnown: isKnown) else { return vanish() }
            answer = found
        } catch {
            guard isKnown, error.isTransient else { throw error }
            return
        }
        isKnown = true
        if answer.isComplete { dismiss(allBut: Set(answer.pids)) }
        for (place, pid) in answer.pids.enumerated() {
            if place % Self.slice == Self.slice - 1 { await Task.yield() }
            try await look(at: pid, answer.told[pid], isolation: actor)
        }
        events.append(.looked(processes: members.count))
    }

    private func look(
        at pid: Int32, _ told: CgroupRoster.Told?, isolation actor: isolated (any Actor)?
    ) async throws(RlimitError) {
        let isNew = members[pid] == nil && !failed.contains(pid)
        do throws(RlimitError) {
            let process = try member(pid)
            let seen = try await process.look(told)
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
        let process = try WatchedProcess(.process(pid), order, try Lookout.forWatches(), post)
        members[pid] = process
        if let token = process.token { numbers[token] = pid }
        return process
    }

    // Those that are in it no more.
    private func dismiss(allBut pids: Set<Int32>) {
        for (pid, process) in members where !pids.contains(pid) {
            let isAlive = (try? process.subject.requireAlive()) != nil
            remove(pid, isAlive ? .left(pid: pid) : .process(pid: pid, .exited))
        }
        failed.formIntersection(pids)
    }

    private func remove(_ pid: Int32, _ event: Event?) {
        if let token = members.removeValue(forKey: pid)?.token { numbers[token] = nil }
        failed.remove(pid)
        if let event { events.append(event) }
    }

    private func vanish() {
        dismiss(allBut: [])
        end()
    }

    private func end() {
        isOver = true
        members = [:]
        numbers = [:]
    }
}
