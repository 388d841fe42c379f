import RlimitKernel
import RlimitModel
import RlimitPolicy
import RlimitWire

// Frames to replies.
extension Desk {
    /// The way of a request: decode, find out whom it speaks of, authorize and perform, reply.
    ///
    /// False: it cannot be answered before the session's errand is done.
    mutating func answer(_ payload: Span<UInt8>, of session: Session, at place: Range<Int>) -> Bool {
        handler.statistics.requests += 1
        do throws(RequestFault) {
            if let get = decoder.repeatedGet(payload), session.attached == nil, collect(get, of: session) {
                return true
            }
            let request = try decoder.decode(payload)
            if let get = PlainGet(request), session.attached == nil, collect(get, of: session) { return true }
            // Answers come in the order of the requests.
            answerGets(of: session)
            if session.errand != nil, request.operation.mayTakeLong {
                handler.statistics.requests -= 1
                return false
            }
            let attached = try descriptor(for: request, of: session, at: place)
            guard let outcome = outcome(of: request, with: attached, for: session) else { return true }
            if case .failure(let error) = outcome, error.code == .malformed {
                throw RequestFault(id: request.id, error: error)
            }
            encoder.encode(Response(id: request.id, outcome), into: &output)
        } catch {
            answerGets(of: session)
            if error.error.code == .malformed {
                fault(session, error.error, id: error.id)
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
        guard let attached = session.attached.take() else { return nil }
        guard attached.belongs(to: frame) else {
            session.attached = consume attached
            return nil
        }
        guard request.operation.whom == .attachedPidfd else {
            throw RequestFault(
                id: request.id,
                error: RlimitError(.malformed, message: "a descriptor came with a frame that names none"))
        }
        return attached.descriptor
    }

    // What came with a frame that was refused before anybody asked for it: the connection goes on without.
    private func discardDescriptor(of session: Session, at place: Range<Int>) {
        let frame = session.position + UInt64(place.lowerBound)..<session.position + UInt64(place.upperBound)
        guard let attached = session.attached.take() else { return }
        if !attached.belongs(to: frame) { session.attached = consume attached }
    }

    // nil: it comes later.
    mutating func outcome(
        of request: Request, with attached: consuming FileDescriptor?, for session: Session
    ) -> Result<Reply, RlimitError>? {
        do throws(RlimitError) { try admit(request, of: session) } catch { return .failure(error) }
        return outcomeOfAdmitted(request, with: attached, for: session)
    }

    /// `outcome`, of a request that was counted and let through.
    mutating func outcomeOfAdmitted(
        _ request: Request, with attached: consuming FileDescriptor?, for session: Session
    ) -> Result<Reply, RlimitError>? {
        do throws(RlimitError) {
            if let target = try request.cgroupTarget() {
                try begin(request, about: target, for: session)
                return nil
            }
            if request.operation.isAboutLeases { return .success(try reply(aboutLeases: request, for: session)) }
            guard let whom = request.operation.whom else {
                return .success(try handler.handle(request, from: session.peer))
            }
            return try reply(to: request, about: whom, with: attached, for: session).map { .success($0) }
        } catch {
            return .failure(error)
        }
    }

    private mutating func admit(_ request: Request, of session: Session) throws(RlimitError) {
        try admit(session, timeout: request.timeout)
        guard !session.peer.hasMixedIDs || request.operation == .serverInfo else {
            handler.refused(Policy.mixedIDs, request, to: session.peer, target: nil)
            throw Policy.mixedIDs
        }
    }

    /// Whether this session may ask once more now.
    mutating func admit(_ session: Session, timeout: Duration?) throws(RlimitError) {
        let rate = handler.policy.quota.requestsPerSecond
        if let wait = session.account.admitRequest(ratePerSecond: rate, now: now) {
            handler.statistics.refusals += 1
            throw RlimitError(
                .rateLimited, message: "more than \(rate) requests a second; try again later", retryAfter: wait)
        }
        // Everything before it in the queue was answered meanwhile.
        if let timeout, now.nanoseconds(since: received) > timeout.nanoseconds {
            throw RlimitError(.deadlineExceeded)
        }
    }

    // Finds the process; `handler` does the rest. nil: it comes later.
    private mutating func reply(
        to request: Request, about whom: Request.Whom, with attached: consuming FileDescriptor?, for session: Session
    ) throws(RlimitError) -> Reply? {
        switch whom {
        case .caller:
            guard let itself = try itself(of: session) else {
                throw RlimitError(.noSuchProcess, message: "the process that connected is not visible from the agent")
            }
            return try reply(to: request, about: itself.process, isPeer: true, for: session)
        case .pid(let pid):
            guard session.peer.sharesNamespace else {
                let error = RlimitError(
                    .pidfdRequired,
                    message: "process \(pid) of which PID namespace? The caller's is not the agent's; send a pidfd")
                handler.refused(error, request, to: session.peer, target: nil)
                throw error
            }
            return try reply(to: request, aboutNamed: pid, for: session)
        case .attachedPidfd:
            guard session.mayAttach else {
                let error = Policy.mayNotSpeakOfOthers(session.peer, request.operation)
                handler.refused(error, request, to: session.peer, target: nil)
                throw error
            }
            let process = try KernelProcess(attached: attached)
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
        var isSecondLook = false
        while true {
            let named: HeldProcess
            if let known = session.named, known.process.pid == pid {
                named = known
            } else {
                named = try name(pid, for: session)
            }
            do throws(RlimitError) {
                let isPeer = try session.isPeer(named.process)
                return try reply(to: request, about: named.process, isPeer: isPeer, for: session)
            } catch {
                guard error.code == .noSuchProcess, !isSecondLook else { throw error }
            }
            processes.forget(named)
            unname(session)
            isSecondLook = true
        }
    }

    // nil: it has many threads to look through.
    private mutating func reply(
        to request: Request, about process: borrowing KernelProcess, isPeer: Bool, for session: Session
    ) throws(RlimitError) -> Reply? {
        let asker = request.operation.isLease ? try asker(session) : nil
        let hadLeases = !handler.leases.book.isEmpty
        defer {
            if asker != nil || hadLeases, let birth = handler.leases.book.leasedProcess(numbered: process.pid) {
                settle(birth)
            }
        }
        let reply = try handler.handle(request, from: session.peer, on: process, isPeer: isPeer, asker: asker)
        guard case .usage(_, .process) = request.operation, case .usage(let usage) = reply,
            usage.voluntaryContextSwitches == nil
        else { return reply }
        try begin(request, aboutThreadsOf: process, for: session)
        return nil
    }
}

extension Request.Operation {
    /// Of which process it speaks; nil where of none.
    var whom: Request.Whom? {
        switch self {
        case .get(let whom, _), .set(let whom, _, _), .prlimit(let whom, _, _): whom
        case .usage(let whom, _), .threadUsage(let whom, _): whom
        case .leaseRenew, .leaseRelease, .leaseList, .serverInfo, .stats: nil
        }
    }

    fileprivate var isAboutLeases: Bool {
        switch self {
        case .leaseRenew, .leaseRelease, .leaseList: true
        default: false
        }
    }

    /// Whether it may take longer than a turn.
    fileprivate var mayTakeLong: Bool {
        switch self {
        case .usage(_, .process): return true
        default: break
        }
        switch whom {
        case .cgroup, .pod: return true
        default: return false
        }
    }
}
