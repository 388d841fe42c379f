import RlimitAgent
import RlimitKernel
import RlimitModel

// Leases of simulated processes, which end by the clock that tests move.
extension TestDesk {
    func asker(_ session: TestSession) -> LeaseAsker {
        LeaseAsker(
            session.peer, process: try? session.itself?.birth(), session: session.token, policy: handler.policy)
    }

    func reply(aboutLeases request: Request, of session: TestSession) throws(RlimitError) -> Reply {
        endDueLeases()
        if request.operation == .leaseList { return try handler.leases(request, for: asker(session)) }
        let birth = try handler.leasedProcess(of: request)
        guard let process = process(birth) else {
            _ = handler.processEnded(birth)
            throw RlimitError(.leaseEnded, message: "the lease has ended with its process")
        }
        return try handler.handle(
            request, from: asker(session), on: process, isPeer: process === session.itself)
    }

    /// A connection has closed, and what lasts as long with it.
    func disconnected(_ session: UInt64) {
        monitor.locked {
            handler.disconnected(session)
            endDueLeases()
        }
    }

    /// Those that end by now have ended.
    func endLeases() { monitor.locked { endDueLeases() } }

    /// nil: there is none that ends.
    var timeToNextLeaseEnd: Duration? {
        monitor.locked { handler.nextLeaseEnd().map { max(.zero, $0 - clock.now) } }
    }

    /// `endLeases`, where the monitor is locked.
    func endDueLeases() {
        for birth in handler.leasedProcesses where process(birth) == nil { _ = handler.processEnded(birth) }
        while let due = handler.nextDue() {
            if let process = process(due.process) {
                _ = handler.takeBack(due.id, on: process)
            } else {
                _ = handler.processEnded(due.process)
            }
        }
    }

    private func process(_ birth: ProcessBirth) -> SimulatedProcess? {
        guard let process = processes.known(birth.pid), (try? process.birth()) == birth else { return nil }
        return process
    }
}
