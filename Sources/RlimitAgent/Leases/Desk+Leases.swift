import RlimitKernel
import RlimitModel
import RlimitPolicy

// Leases of real processes, each held by its pidfd for as long as it has some.
extension Desk {
    /// How long connections that an agent before this one had may take to come back for their leases.
    private static let claimTime: Duration = .seconds(30)

    mutating func asker(_ session: Session) throws(RlimitError) -> LeaseAsker {
        LeaseAsker(
            session.peer, process: try itself(of: session)?.birth, session: session.token, policy: handler.policy)
    }

    /// The answer to a request about leases.
    mutating func reply(aboutLeases request: Request, for session: Session) throws(RlimitError) -> Reply {
        let asker = try asker(session)
        if request.operation == .leaseList { return try handler.leases(request, for: asker) }
        let birth = try handler.leasedProcess(of: request)
        guard let held = try leased(birth) else {
            forget(birth)
            throw RlimitError(.leaseEnded, message: "the lease has ended with its process")
        }
        defer { settle(birth) }
        return try handler.handle(request, from: asker, on: held.process, isPeer: try session.isPeer(held.process))
    }

    /// A process may have got its first lease, or lost its last one.
    mutating func settle(_ birth: ProcessBirth) {
        if handler.hasLeases(of: birth) {
            do throws(RlimitError) {
                if leases[birth] == nil, try leased(birth) == nil { _ = handler.processEnded(birth) }
            } catch {
                handler.leases.complain("\(error)")
            }
        } else if let held = leases.remove(birth) {
            processes.release(held)
        }
        wakeForLeases()
    }

    // A process has ended. Of many leases some are left, for which `leases` stays readable.
    private mutating func forget(_ birth: ProcessBirth, until end: Moment = .now + .microseconds(200)) {
        _ = handler.processEnded(birth, until: end)
        settle(birth)
    }

    /// The loop is woken when the next lease ends.
    mutating func wakeForLeases() {
        let next = handler.nextLeaseEnd()
        do throws(SystemError) { try leases.wake(at: next) } catch { handler.leaseFault("cannot set the timer", error) }
    }

    // nil: it has ended. Leases may be older than this agent.
    //
    // Throws where nobody can tell: what was lent to a process that lives is not to be forgotten.
    private mutating func leased(_ birth: ProcessBirth) throws(RlimitError) -> HeldProcess? {
        if let held = leases[birth] { return held.process.hasEnded ? nil : held }
        while let held = try hold(birth.pid) {
            do throws(RlimitError) {
                if try held.process.birth() == birth {
                    try watch(birth, held)
                    return held
                }
            } catch {
                guard held.process.hasEnded else {
                    processes.release(held)
                    throw error
                }
            }
            let isOld = held.process.hasEnded
            processes.release(held)
            guard isOld else { return nil }
            // Somebody still speaks of one that had the number before.
            processes.forget(held)
        }
        return nil
    }

    private mutating func hold(_ pid: Int32) throws(RlimitError) -> HeldProcess? {
        do throws(RlimitError) { return try processes.hold(pid) } catch {
            guard error.code == .noSuchProcess else { throw error }
            return nil
        }
    }

    private mutating func watch(_ birth: ProcessBirth, _ held: HeldProcess) throws(RlimitError) {
        do throws(SystemError) { try leases.insert(birth, held) } catch {
            throw RlimitError(
                .internalError, errno: error.number, message: "process \(birth.pid) cannot be watched: \(error)")
        }
    }

    /// Does what is to be done about leases, until it takes too long. What is left keeps `leases` readable.
    mutating func serveLeases(until end: Moment) {
        do throws(SystemError) {
            for birth in try leases.ended() {
                forget(birth, until: end)
                if Moment.now >= end { return }
            }
        } catch {
            handler.leaseFault("cannot look for processes that have ended", error)
        }
        while let due = handler.nextDue() {
            do throws(RlimitError) {
                if let held = try leased(due.process) {
                    _ = handler.takeBack(due.id, on: held.process)
                    settle(due.process)
                } else {
                    forget(due.process, until: end)
                }
            } catch {
                handler.leases.complain("\(error)")
                handler.putOff(due.id)
            }
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
            guard handler.leases.book.hasRoomForProcess else {
                handler.leaveAlone(leases, "this agent has too few descriptors to look after more processes")
                continue
            }
            do throws(RlimitError) {
                if let held = try leased(birth) {
                    let limits = try held.process.read(ResourceSet(Resource.leasable))
                    handler.adopt(leases, limits: limits, claimTime: Self.claimTime)
                } else {
                    handler.adoptEnded(leases)
                }
            } catch {
                // They are still written down: the agent after this one may know more.
                handler.leaveAlone(leases, "\(error)")
            }
            settle(birth)
        }
    }
}
