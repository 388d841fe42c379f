import RlimitKernel
import RlimitModel
import RlimitWire

// The commonest request has a short way of its own.
extension Desk {
    /// Reads what a get asks for and keeps it until `answerGets`. False: it has to go the long way.
    mutating func collect(_ request: Request, of session: Session) -> Bool {
        guard let (whom, resources) = request.plainGet else { return false }
        if !gets.isEmpty, gets.whom != whom { answerGets(of: session) }
        do throws(RlimitError) {
            let limits: Limits
            switch whom {
            case .caller: limits = try read(resources, of: session.itself)
            case .pid(let pid):
                guard session.peer.sharesNamespace else { return false }
                if !session.holds(pid) {
                    session.named = nil
                    session.named = try KernelProcess(pid: pid)
                }
                limits = try read(resources, of: session.named)
            }
            // Last, so that nobody is counted twice.
            try admit(request, of: session)
            gets.append(GetRun.Get(id: request.id, resources: resources, limits: limits), about: whom)
            return true
        } catch {
            // The long way tells why, or looks the number up anew.
            return false
        }
    }

    /// Looks at the process of the gets that were collected, and answers them.
    mutating func answerGets(of session: Session) {
        guard !gets.isEmpty else { return }
        defer { gets.removeAll() }
        switch gets.whom {
        case .caller: answerGets(of: session, about: session.itself, isPeer: true)
        case .pid: answerGets(of: session, about: session.named, isPeer: nil)
        }
    }

    private mutating func answerGets(of session: Session, about process: borrowing KernelProcess?, isPeer: Bool?) {
        switch process {
        case .some(let process):
            guard let identity = try? process.livingIdentity() else { break }
            let isPeer = isPeer ?? session.isPeer(process)
            for get in gets.gets { answer(get, of: session, about: process, identity, isPeer: isPeer) }
            return
        case .none: break
        }
        for get in gets.gets { answerAnew(get, of: session) }
    }

    private mutating func answer(
        _ get: GetRun.Get, of session: Session, about process: borrowing KernelProcess, _ identity: Identity,
        isPeer: Bool
    ) {
        do throws(RlimitError) {
            try handler.admit(
                get.request(gets.whom), from: session.peer, on: process, identity, isPeer: isPeer, now: get.limits)
            encoder.encode(limits: get.limits, of: get.resources, id: get.id, into: &output)
        } catch {
            encoder.encode(Response(id: get.id, .failure(error)), into: &output)
        }
    }

    // It ended meanwhile.
    private mutating func answerAnew(_ get: GetRun.Get, of session: Session) {
        if let outcome = outcome(of: get.request(gets.whom), with: nil, for: session) {
            encoder.encode(Response(id: get.id, outcome), into: &output)
        }
    }

    private func read(_ resources: ResourceSet, of process: borrowing KernelProcess?) throws(RlimitError) -> Limits {
        switch process {
        case .some(let process): return try process.read(resources)
        case .none: throw RlimitError(.noSuchProcess)
        }
    }
}

extension GetRun.Get {
    fileprivate func request(_ whom: GetRun.Whom) -> Request {
        switch whom {
        case .caller: Request(id: id, .get(.caller, resources))
        case .pid(let pid): Request(id: id, .get(.pid(pid), resources))
        }
    }
}
