import RlimitKernel
import RlimitModel

/// The processes that sessions and leases hold, by pid, and the number of descriptors for them.
///
/// Sessions keep processes for speed only. When descriptors run short, the sessions that have been idle for the longest
/// time give up what they can open again.
struct ProcessCache {
    private var byPID: [Int32: CachedProcess] = [:]
    private let budget: DescriptorBudget
    let descriptorCount = DescriptorCount()
    /// The number of descriptors that may be held.
    private(set) var capacity = Int.max
    /// Whether the capacity is used up, as of the last change.
    private(set) var isOverCapacity = false

    init(budget: DescriptorBudget) { self.budget = budget }

    /// Sets the capacity to the number of descriptors that are left beside this number of sockets.
    mutating func setSocketCount(_ sockets: Int) {
        capacity = budget.cacheCapacity(besides: sockets)
        updateShortage()
    }

    private mutating func updateShortage() { isOverCapacity = descriptorCount.total >= capacity }

    // MARK: Processes

    /// The process that has this pid now. The caller releases it.
    mutating func acquire(_ pid: Int32) throws(RlimitError) -> CachedProcess {
        if let cached = byPID[pid] {
            cached.retain()
            return cached
        }
        return insert(CachedProcess(try LinuxProcess(pid: pid), descriptorCount))
    }

    /// The entry of a process that was just found alive. The caller releases it.
    mutating func acquire(_ process: consuming LinuxProcess) -> CachedProcess {
        // Two live processes never share a pid, so a live entry with this pid is the same process.
        if let cached = byPID[process.pid], !cached.process.hasEnded {
            cached.retain()
            return cached
        }
        return insert(CachedProcess(process, descriptorCount))
    }

    mutating func release(_ cached: CachedProcess) {
        if cached.release() { evict(cached) }
    }

    /// Removes a process that has ended, because its pid may belong to another process now.
    mutating func evict(_ cached: CachedProcess) {
        if byPID[cached.process.pid] === cached { byPID[cached.process.pid] = nil }
    }

    private mutating func insert(_ cached: CachedProcess) -> CachedProcess {
        byPID[cached.process.pid] = cached
        updateShortage()
        return cached
    }

    // MARK: Processes of sessions

    /// The process that connected; nil if it has ended, or has no pid in the agent's PID namespace.
    ///
    /// - Throws: If the kernel does not report the process.
    mutating func peerProcess(of session: Session) throws(RlimitError) -> CachedProcess? {
        if let peerProcess = session.peerProcess { return peerProcess }
        guard let process = try session.reopenPeer() else { return nil }
        let peerProcess = acquire(process)
        session.cache(peerProcess: peerProcess)
        return peerProcess
    }

    /// The process that has this pid now. The session holds it from now on instead of the one that it named before.
    mutating func acquireNamedProcess(_ pid: Int32, for session: Session) throws(RlimitError) -> CachedProcess {
        releaseNamedProcess(of: session)
        // With the peer in the cache, a request that names it by pid finds the same entry.
        if pid == session.peer.pid { _ = try peerProcess(of: session) }
        let lastNamedProcess = try acquire(pid)
        session.cache(lastNamed: lastNamedProcess)
        return lastNamedProcess
    }

    /// The process that a session names by pid. A caller that asks about one process usually asks again, so the session
    /// holds it.
    mutating func namedProcess(_ pid: Int32, for session: Session) throws(RlimitError) -> CachedProcess {
        if let known = session.lastNamedProcess, known.process.pid == pid { return known }
        return try acquireNamedProcess(pid, for: session)
    }

    /// Removes the process that a session last named and that has ended, if it has this pid.
    ///
    /// - Returns: Whether it was removed.
    mutating func evictNamedProcess(_ pid: Int32, of session: Session) -> Bool {
        guard let named = session.lastNamedProcess, named.process.pid == pid else { return false }
        evict(named)
        releaseNamedProcess(of: session)
        return true
    }

    /// Releases what an ended session holds.
    mutating func releaseProcesses(of session: Session) {
        releaseNamedProcess(of: session)
        releasePeerProcess(of: session)
    }

    private mutating func releaseNamedProcess(of session: Session) {
        guard let lastNamedProcess = session.lastNamedProcess else { return }
        session.cache(lastNamed: nil)
        release(lastNamedProcess)
    }

    private mutating func releasePeerProcess(of session: Session) {
        guard let peerProcess = session.peerProcess else { return }
        session.cache(peerProcess: nil)
        release(peerProcess)
    }

    // MARK: Shortage

    /// Makes room for more processes, between two turns: no request of any session may be under way. A tenant within
    /// its share never gives up descriptors.
    mutating func evictIdleProcesses(among sessions: inout SessionTable, tenants: Int) {
        let share = budget.fairShare(besides: sessions.count, tenants: tenants)
        // A session with a request since the last round is passed over once.
        var remainingChecks = 2 * sessions.slotCount
        while descriptorCount.total > capacity - budget.evictionBatch, remainingChecks > 0 {
            remainingChecks -= 1
            guard let session = sessions.next(), session.tenantUsage.cachedProcesses > share,
                !session.hasReadSinceLastCheck()
            else { continue }
            releaseNamedProcess(of: session)
            if session.canReopenPeer { releasePeerProcess(of: session) }
        }
        updateShortage()
    }

    /// Counts a descriptor of a peer; nil if too many wait. As with connections, no tenant holds more than are left for
    /// all others.
    mutating func reserveReceivedDescriptor(for tenantUsage: TenantUsage) -> ReceivedDescriptorSlot? {
        let free = budget.maxReceivedDescriptors - descriptorCount.receivedDescriptors
        guard tenantUsage.receivedDescriptors < free else { return nil }
        defer { updateShortage() }
        return ReceivedDescriptorSlot(descriptorCount, tenantUsage)
    }
}

/// The number of descriptors that are held for connections, besides their sockets, and for leases.
final class DescriptorCount {
    private(set) var processes = 0
    /// Descriptors of peers that wait for the rest of their frames.
    private(set) var receivedDescriptors = 0

    var total: Int { processes + receivedDescriptors }

    func add(processes count: Int) { processes += count }
    func add(receivedDescriptors count: Int) { receivedDescriptors += count }
}
