import RlimitAgent
import RlimitKernel
import RlimitModel
import RlimitPolicy
import RlimitWire

// Frames to replies.
extension TestDispatcher {
    /// Why a connection ends.
    enum End {
        /// What it was sent says why.
        case afterReply
        case withoutReply
    }

    /// Appends the answer to one frame.
    ///
    /// - Parameter takeDescriptor: Gives the descriptor that came with the frame, if one did.
    /// - Returns: nil where the connection goes on.
    func answer(
        _ payload: borrowing Span<UInt8>, of session: TestSession, _ takeDescriptor: () -> FileDescriptor?
    ) -> End? {
        monitor.lock()
        defer { monitor.unlock() }
        handler.statistics.requests += 1
        do throws(RequestFault) {
            let request: Request
            do throws(RequestFault) { request = try decoder.decode(payload) } catch {
                // The connection goes on without what came with a frame that was refused.
                _ = takeDescriptor()
                throw error
            }
            do throws(RlimitError) {
                let reply = try reply(to: request, of: session, takeDescriptor())
                encoder.encode(Response(id: request.id, .success(reply)), into: &session.output)
            } catch {
                if error.code == .connectionLost { return .withoutReply }
                throw RequestFault(id: request.id, error: error)
            }
        } catch {
            if error.error.code == .malformed {
                fault(error.error, session, id: error.id)
                return .afterReply
            }
            encoder.encode(Response(id: error.id, .failure(error.error)), into: &session.output)
        }
        return nil
    }

    /// Tells of what is no frame; the connection ends.
    func refuse(_ error: RlimitError, _ session: TestSession) {
        monitor.withLock { fault(error, session, id: 0) }
    }

    /// Tells somebody who gets no connection why.
    func reject(_ error: RlimitError, _ output: inout ByteQueue) {
        encoder.encode(Response(id: 0, .failure(error)), into: &output)
    }

    private func fault(_ error: RlimitError, _ session: TestSession, id: UInt64) {
        handler.statistics.faults += 1
        encoder.encode(Response(id: id, .failure(error)), into: &session.output)
    }

    private func reply(
        to request: Request, of session: TestSession, _ receivedDescriptor: consuming FileDescriptor?
    ) throws(RlimitError) -> Reply {
        if !failures.isEmpty { throw failures.removeFirst() }
        switch receivedDescriptor {
        case .some where request.operation.target != .attachedPidfd:
            throw RlimitError(.malformed, message: "a descriptor came with a frame that names none")
        default: break
        }
        try checkPreconditions(request, of: session)
        if try request.cgroupTarget() != nil { return replyForEachProcess(request, of: session) }
        let peer = session.peer
        let process: SimulatedProcess
        switch request.operation.target {
        case nil where request.operation.isAboutLeases: return try self.reply(aboutLeases: request, of: session)
        case nil:
            let reply = try handler.handle(request, from: peer)
            guard case .stats(var statistics) = reply else { return reply }
            statistics.uptime += clock.ahead
            return .stats(statistics)
        case .caller:
            guard let peerProcess = session.peerProcess else {
                throw RlimitError(.noSuchProcess, message: "the process that connected is not visible from the agent")
            }
            process = peerProcess
        case .pid(let pid):
            guard peer.sharesNamespace else {
                throw RlimitError(
                    .pidfdRequired,
                    message: "process \(pid) of which PID namespace? The caller's is not the agent's; send a pidfd")
            }
            process = try processes.named(pid)
        case .attachedPidfd: process = try processes.process(receivedPidfd: receivedDescriptor)
        case .cgroup, .pod: throw RlimitError(.internalError, message: "a request about a cgroup came to a process")
        }
        return try handler.handle(
            request, from: peer, on: process, isPeer: process === session.peerProcess, requester: requester(session))
    }

    // The order in which the agent looks at these is part of its answer.
    private func checkPreconditions(_ request: Request, of session: TestSession) throws(RlimitError) {
        let rate = handler.policy.quota.requestsPerSecond
        if let wait = bucket.takeToken(ratePerSecond: rate, now: clock.now) {
            handler.statistics.refusals += 1
            throw RlimitError(
                .rateLimited, message: "more than \(rate) requests a second; try again later", retryAfter: wait)
        }
        guard !session.peer.hasMixedIDs || request.operation == .serverInfo else { throw Policy.mixedIDs }
    }

    private func replyForEachProcess(_ request: Request, of session: TestSession) -> Reply {
        var found: [ProcessResult] = []
        for process in processes.living {
            do throws(RlimitError) {
                let reply = try handler.handle(
                    request, from: session.peer, on: process, isPeer: process === session.peerProcess,
                    isFromCgroupScan: true)
                found.append(ProcessResult(pid: process.pid, .success(reply)))
            } catch {
                guard error.code != .noSuchProcess else { continue }
                found.append(ProcessResult(pid: process.pid, .failure(error)))
            }
        }
        return .processes(found, isIncomplete: false)
    }
}
