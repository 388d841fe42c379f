import RlimitKernel
import RlimitModel
import RlimitPolicy

// Leases of real processes, each held by its pidfd for as long as it has some.
extension Desk {
    /// How long connections that an agent before this one had may take to come back for their leases.
    private static let claimTime: Duration = .seconds(30)

    func asker(_ session: Session) -> LeaseAsker {
        LeaseAsker(
            session.peer, process: session.itself?.birth, session: session.token, policy: handler.policy)
    }

    /// The answer to a request about leases.
    mutating func reply(aboutLeases request: Request, for session: Session) throws(RlimitError) -> Reply {
        let asker = asker(session)
        if request.operation == .leaseList { return try handler.leases(request, for: asker) }
        let birth = try handler.leasedProcess(of: request)
        guard let held = leased(birth) else {
            _ = handler.processEnded(birth)
            settle(birth)
            throw RlimitError(.leaseEnded, message: "the lease has ended with its process")
        }
        defer { settle(birth) }
        return try handler.handle(request, from: asker, on: held.process, isPeer: session.isPeer(held.process))
    }

    /// A process may have got its first lease, or lost its last one.
    mutating func settle(_ birth: ProcessBirth) {
        if handler.hasLeases(of: birth) {
            if leases[birth] == nil, leased(birth) == nil { _ = handler.processEnded(birth) }
        } else if let held = leases.remove(birth) {
            processes.release(held)
        }
        wakeForLeases()
    }

    /// The loop is woken when the next lease ends.
    mutating func wakeForLeases() {
        let next = handler.nextLeaseEnd()
        do throws(SystemError) { try leases.wake(at: next) } catch { handler.leaseFault("cannot set the timer", error) }
    }

    // nil: it has ended. Leases may be older than this agent.
    private mutating func leased(_ birth: ProcessBirth) -> HeldProcess? {
        if let held = leases[birth] { return held.process.hasEnded ? nil : held }
        while let held = try? processes.hold(birth.pid) {
            guard held.birth == birth else {
                let isOld = held.process.hasEnded
                processes.release(held)
                guard isOld else { return nil }
                // Somebody still speaks of one that had the number before.
                processes.forget(held)
                continue
            }
            do throws(SystemError) { try leases.insert(birth, held) } catch {
                processes.release(held)
                handler.leaseFault("cannot watch process \(birth.pid)", error)
                return nil
            }
            return held
        }
        return nil
    }

    /// Does what is to be done about leases, until it takes too long. What is left keeps `leases` readable.
    mutating func serveLeases(until end: Moment) {
        do throws(SystemError) {
            for birth in try leases.ended() {
                _ = handler.processEnded(birth, until: end)
                settle(birth)
                if Moment.now >= end { return }
            }
        } catch {
            handler.leaseFault("cannot look for processes that have ended", error)
        }
        while let due = handler.nextDue() {
            if let held = leased(due.process) {
                _ = handler.takeBack(due.id, on: held.process)
            } else {
                _ = handler.processEnded(due.process)
            }
            settle(due.process)
            if Moment.now >= end { return }
        }
        wakeForLeases()
    }

    /// A connection has closed: what was lent as long as it lasts is due.
    mutating func endLeases(of session: Session) {
        guard !handler.leases.book.isEmpty else { return }
        handler.disconnected(session.token)
        wakeForLeases()
    }

    /// Takes over what an agent before this one has lent.
    mutating func adoptLeases() throws(SystemError) {
        var known: [ProcessBirth: [Lease]] = [:]
        for lease in try handler.leases.written() { known[lease.process, default: []].append(lease) }
        for (birth, leases) in known {
            guard let held = leased(birth), let limits = try? held.process.read(ResourceSet(Resource.leasable)) else {
                handler.adoptEnded(leases)
                settle(birth)
                continue
            }
            handler.adopt(leases, limits: limits, claimTime: Self.claimTime)
            settle(birth)
        }
    }
}
