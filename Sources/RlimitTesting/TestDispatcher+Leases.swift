import RlimitAgent
import RlimitKernel
import RlimitModel

// Leases of simulated processes, which end by the clock that tests move.
extension TestDispatcher {
    func requester(_ session: TestSession) -> LeaseRequester {
        LeaseRequester(
            session.peer, process: try? session.peerProcess?.birth(), session: session.token, policy: handler.policy)
    }

    func reply(aboutLeases request: Request, of session: TestSession) throws(RlimitError) -> Reply {
        endExpiredLeases()
        if request.operation == .leaseList { return try handler.listLeases(request, for: requester(session)) }
        let birth = try handler.leases.process(ofLeaseIn: request)
        guard let process = process(birth) else {
            _ = handler.leases.processEnded(birth)
            throw RlimitError(.leaseEnded, message: "the lease has ended with its process")
        }
        return try handler.handle(
            request, from: requester(session), on: process, isPeer: process === session.peerProcess)
    }

    /// A connection has closed, and what lasts as long with it.
    func disconnected(_ session: UInt64) {
        monitor.withLock {
            handler.leases.disconnected(session)
            endExpiredLeases()
        }
    }

    /// Those that end by now have ended.
    func endLeases() { monitor.withLock { endExpiredLeases() } }

    /// nil: there is none that ends.
    var timeToNextExpiry: Duration? {
        monitor.withLock { handler.leases.nextExpiry().map { max(.zero, $0 - clock.now) } }
    }

    /// `endLeases`, where the monitor is locked.
    func endExpiredLeases() {
        for birth in handler.leases.leasedProcesses where process(birth) == nil { _ = handler.leases.processEnded(birth) }
        while let due = handler.leases.nextExpired() {
            if let process = process(due.process) {
                _ = handler.leases.restoreLimits(due.id, on: process)
            } else {
                _ = handler.leases.processEnded(due.process)
            }
        }
    }

    private func process(_ birth: ProcessIdentity) -> SimulatedProcess? {
        guard let process = processes.known(birth.pid), (try? process.birth()) == birth else { return nil }
        return process
    }
}
