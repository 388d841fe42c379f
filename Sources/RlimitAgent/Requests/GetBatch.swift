import RlimitKernel
import RlimitModel
import RlimitWire

/// A get of one limit that is not answered yet: what was read by number for it, and whose number it was when it came.
///
/// Only a look at the process afterwards tells that the number still was its own, and one look serves all gets that were read
/// before it.
struct PendingGet {
    let get: PlainGet
    /// The one that it asks about.
    let resource: Resource
    let limit: Limit
    let process: CachedProcess
}

// The commonest request has a short way of its own.
extension Dispatcher {
    /// Reads what a get asks for, and leaves the answer for later. False: it has to go the long way.
    mutating func enqueueGet(_ get: PlainGet, of session: Session) -> Bool {
        // With other answers before it, it would come too late.
        guard output.count == outputStart, !session.peer.hasMixedIDs, let resource = get.resources.only,
            let process = targetProcess(of: get, for: session), let limit = try? process.process.read(resource)
        else { return false }
        // Last, and refused here, so that nobody is counted twice.
        do throws(RlimitError) {
            try checkRateAndDeadline(session, timeout: get.timeout)
            gets.append(PendingGet(get: get, resource: resource, limit: limit, process: process))
        } catch {
            flushGets(of: session)
            encoder.encode(Response(id: get.id, .failure(error)), into: &output)
        }
        return true
    }

    private mutating func targetProcess(of get: PlainGet, for session: Session) -> CachedProcess? {
        guard let pid = get.pid else { return session.peerProcess }
        guard session.peer.sharesNamespace else { return nil }
        if let lastNamedProcess = session.lastNamedProcess, lastNamedProcess.process.pid == pid {
            return lastNamedProcess
        }
        return try? acquireNamedProcess(pid, for: session)
    }

    /// Looks at the processes of the gets that this session waits for, and answers them.
    mutating func flushGets(of session: Session) {
        guard gets.count > firstGet else { return }
        batchNumber += 1
        encodeGets(firstGet..<gets.count, of: session)
        gets.removeSubrange(firstGet...)
    }

    /// On this occasion: all that the looks are for has been read.
    mutating func encodeGets(_ places: Range<Int>, of session: Session) {
        for place in places {
            let pending = gets[place]
            if let identity = pending.process.identity(inBatch: batchNumber) {
                encodeGet(pending, of: session, identity)
            } else if let outcome = outcomeAfterChecks(pending.get.request, with: nil, for: session) {
                // It has ended, and perhaps its number is another's. That it was asked was counted already.
                encoder.encode(Response(id: pending.get.id, outcome), into: &output)
            }
        }
    }

    private mutating func encodeGet(_ pending: PendingGet, of session: Session, _ identity: ProcessCredentials) {
        let isPeer = pending.process === session.peerProcess
        do throws(RlimitError) {
            try handler.authorizeGet(pending, from: session.peer, identity, isPeer: isPeer)
            encoder.encode(pending.limit, of: pending.resource, id: pending.get.id, into: &output)
        } catch {
            encoder.encode(Response(id: pending.get.id, .failure(error)), into: &output)
        }
    }
}
