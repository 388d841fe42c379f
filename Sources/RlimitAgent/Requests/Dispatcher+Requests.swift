import RlimitKernel
import RlimitModel
import RlimitPolicy
import RlimitWire

// Frames to replies.
extension Dispatcher {
    /// The way of a request: decode, find out whom it speaks of, authorize and perform, reply.
    ///
    /// False: it cannot be answered before the session's errand is done.
    mutating func process(_ payload: Span<UInt8>, of session: Session, at place: Range<Int>) -> Bool {
        handler.statistics.requests += 1
        do throws(RequestFault) {
            if let get = decoder.repeatedGet(payload), session.receivedDescriptor == nil, enqueueGet(get, of: session) {
                return true
            }
            let request = try decoder.decode(payload)
            if let get = PlainGet(request), session.receivedDescriptor == nil, enqueueGet(get, of: session) {
                return true
            }
            // Answers come in the order of the requests.
            flushGets(of: session)
            if session.longRequest != nil, request.operation.isLongRunning {
                handler.statistics.requests -= 1
                return false
            }
            let receivedDescriptor = try descriptor(for: request, of: session, at: place)
            guard let outcome = outcome(of: request, with: receivedDescriptor, for: session) else { return true }
            if case .failure(let error) = outcome, error.code == .malformed {
                throw RequestFault(id: request.id, error: error)
            }
            encoder.encode(Response(id: request.id, outcome), into: &output)
        } catch {
            flushGets(of: session)
            if error.error.code == .malformed {
                failSession(session, error.error, id: error.id)
            } else {
                discardDescriptor(of: session, at: place)
                encoder.encode(Response(id: error.id, .failure(error.error)), into: &output)
            }
        }
        return true
    }

    // The descriptor that belongs to this frame, if the frame names one.
    private func descriptor(
        for request: Request, of session: Session, at place: Range<Int>
    ) throws(RequestFault) -> FileDescriptor? {
        let frame = session.position + UInt64(place.lowerBound)..<session.position + UInt64(place.upperBound)
        guard let receivedDescriptor = session.receivedDescriptor.take() else { return nil }
        guard receivedDescriptor.belongs(to: frame) else {
            session.receivedDescriptor = consume receivedDescriptor
            return nil
        }
        guard request.operation.target == .attachedPidfd else {
            throw RequestFault(id: request.id, error: .unnamedDescriptor)
        }
        return receivedDescriptor.descriptor
    }

    // What came with a frame that was refused before anybody asked for it: the connection goes on without.
    private func discardDescriptor(of session: Session, at place: Range<Int>) {
        let frame = session.position + UInt64(place.lowerBound)..<session.position + UInt64(place.upperBound)
        guard let receivedDescriptor = session.receivedDescriptor.take() else { return }
        if !receivedDescriptor.belongs(to: frame) { session.receivedDescriptor = consume receivedDescriptor }
    }

    // nil: it comes later.
    mutating func outcome(
        of request: Request, with receivedDescriptor: consuming FileDescriptor?, for session: Session
    ) -> Result<Reply, RlimitError>? {
        do throws(RlimitError) { try checkPreconditions(request, of: session) } catch { return .failure(error) }
        return outcomeAfterChecks(request, with: receivedDescriptor, for: session)
    }

    /// `outcome`, of a request that was counted and let through.
    mutating func outcomeAfterChecks(
        _ request: Request, with receivedDescriptor: consuming FileDescriptor?, for session: Session
    ) -> Result<Reply, RlimitError>? {
        do throws(RlimitError) {
            if let target = try request.cgroupTarget() {
                try startLongRequest(request, about: target, for: session)
                return nil
            }
            if request.operation.isAboutLeases { return .success(try reply(aboutLeases: request, for: session)) }
            guard let target = request.operation.target else {
                return .success(try handler.handle(request, from: session.peer))
            }
            return try reply(to: request, about: target, with: receivedDescriptor, for: session).map { .success($0) }
        } catch {
            return .failure(error)
        }
    }

    private mutating func checkPreconditions(_ request: Request, of session: Session) throws(RlimitError) {
        try checkRateAndDeadline(session, timeout: request.timeout)
        guard !session.peer.hasMixedIDs || request.operation == .serverInfo else {
            handler.recordRefusal(Policy.mixedIDs, request, to: session.peer, target: nil)
            throw Policy.mixedIDs
        }
    }

    /// Whether this session may ask once more now.
    mutating func checkRateAndDeadline(_ session: Session, timeout: Duration?) throws(RlimitError) {
        let rate = handler.policy.quota.requestsPerSecond
        if let wait = session.tenantUsage.takeRequestToken(ratePerSecond: rate, now: now) {
            handler.statistics.refusals += 1
            throw .rateExceeded(ratePerSecond: rate, retryAfter: wait)
        }
        // Everything before it in the queue was answered meanwhile.
        if let timeout, now.nanoseconds(since: receivedAt) > timeout.nanoseconds {
            throw RlimitError(.deadlineExceeded)
        }
    }

    // Finds the process; `handler` does the rest. nil: it comes later.
    private mutating func reply(
        to request: Request, about target: Request.Target, with receivedDescriptor: consuming FileDescriptor?,
        for session: Session
    ) throws(RlimitError) -> Reply? {
        switch target {
        case .caller:
            guard let peerProcess = try peerProcess(of: session) else { throw .peerNotVisible }
            return try reply(to: request, about: peerProcess.process, isPeer: true, for: session)
        case .pid(let pid):
            guard session.peer.sharesNamespace else {
                let error = RlimitError.pidOfOtherNamespace(pid)
                handler.recordRefusal(error, request, to: session.peer, target: nil)
                throw error
            }
            return try reply(to: request, aboutNamed: pid, for: session)
        case .attachedPidfd:
            guard session.mayAttachPidfd else {
                let error = Policy.otherTargetsDenied(session.peer, request.operation)
                handler.recordRefusal(error, request, to: session.peer, target: nil)
                throw error
            }
            let process = try LinuxProcess(receivedPidfd: receivedDescriptor)
            return try reply(to: request, about: process, isPeer: try session.isPeer(process), for: session)
        case .cgroup, .pod:
            throw RlimitError(.internalError, message: "a request about a cgroup came to a process")
        }
    }

    // The process last named by number is kept: whoever asks about one process asks again. Once that has ended, its number may
    // be another's, who is looked up anew.
    private mutating func reply(
        to request: Request, aboutNamed pid: Int32, for session: Session
    ) throws(RlimitError) -> Reply? {
        var isRetry = false
        while true {
            let lastNamedProcess: CachedProcess
            if let known = session.lastNamedProcess, known.process.pid == pid {
                lastNamedProcess = known
            } else {
                lastNamedProcess = try acquireNamedProcess(pid, for: session)
            }
            do throws(RlimitError) {
                let isPeer = try session.isPeer(lastNamedProcess.process)
                return try reply(to: request, about: lastNamedProcess.process, isPeer: isPeer, for: session)
            } catch {
                guard error.code == .noSuchProcess, !isRetry else { throw error }
            }
            processes.evict(lastNamedProcess)
            releaseNamedProcess(session)
            isRetry = true
        }
    }

    // nil: it has many threads to look through.
    private mutating func reply(
        to request: Request, about process: borrowing LinuxProcess, isPeer: Bool, for session: Session
    ) throws(RlimitError) -> Reply? {
        let requester = request.operation.isLease ? try requester(session) : nil
        // Also after an error: limits that were raised meanwhile may stay leased.
        defer { if requester != nil { watchLeasedProcess(numbered: process.pid) } }
        let reply = try handler.handle(request, from: session.peer, on: process, isPeer: isPeer, requester: requester)
        guard case .usage(_, .process) = request.operation, case .usage(let usage) = reply,
            usage.voluntaryContextSwitches == nil
        else { return reply }
        try startLongRequest(request, aboutThreadsOf: process, for: session)
        return nil
    }
}
