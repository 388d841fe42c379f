import RlimitKernel
package import RlimitModel
package import RlimitPolicy

/// A request about every process of a cgroup.
///
/// Processes come and go meanwhile. So the cgroup is gone through again until a pass finds none that was not known, and
/// each process is judged for itself, after a look whether it still is in the cgroup.
final class CgroupErrand: Errand {
    private let cgroup: String
    private var numbers: NamespaceView?
    private var scan: CgroupScan
    private var passes = 1
    private var foundNew = false
    private var known: Set<Int32> = []
    private var found: [ProcessResult] = []
    private var isPartial = false
    private var refusals = 0

    /// What it holds open at once: a folder for each level, their processes, and the one that is looked at.
    static let greatestDescriptors = CgroupScan.greatestDepth + 4
    private static let greatestPasses = 8
    // Process ids of a cgroup in which something keeps forking.
    private static let greatestCount = 131_072
    /// So many results make a response; it stays well below the greatest frame.
    private static let resultsPerResponse = 128
    /// So many refusals are written down one by one.
    private static let refusalsToldOneByOne = 8

    /// - Throws: `.noSuchProcess` where there is no such cgroup.
    init(
        _ request: Request, about cgroup: String, for session: Session, now: Moment
    ) throws(RlimitError) {
        do throws(SystemError) { scan = try CgroupScan(of: cgroup) } catch {
            var refusal = RlimitError(error, about: "cgroup \(cgroup)")
            if refusal.code == .noSuchProcess { refusal.message = "there is no cgroup \(cgroup)" }
            throw refusal
        }
        self.cgroup = cgroup
        if let pid = session.peer.pid, let depth = session.peer.namespaceDepth {
            numbers = NamespaceView(of: pid, depth: depth)
        } else {
            numbers = nil
        }
        super.init(request, for: session, now: now)
    }

    override func advance(until end: Moment, for session: Session, _ handler: inout RequestHandler)
        -> Progress
    {
        while true {
            let now = Moment.now
            if now >= deadline { return finish(isIncomplete: true) }
            if now >= end { return .goesOn }
            switch scan.step() {
            case .process(let pid):
                guard known.insert(pid).inserted else { continue }
                foundNew = true
                visit(pid, for: session, &handler)
                if known.count >= Self.greatestCount { return finish(isIncomplete: true) }
                if found.count >= Self.resultsPerResponse {
                    return .answers(.success(takeFound(isIncomplete: false)), more: true)
                }
            case .moved: continue
            case .end:
                isPartial = isPartial || scan.isPartial
                guard foundNew else { return finish(isIncomplete: isPartial) }
                guard passes < Self.greatestPasses, let again = try? CgroupScan(of: cgroup) else {
                    // Removed meanwhile, there is nobody left in it.
                    return finish(isIncomplete: passes >= Self.greatestPasses)
                }
                scan = again
                passes += 1
                foundNew = false
            }
        }
    }

    private func visit(_ pid: Int32, for session: Session, _ handler: inout RequestHandler) {
        do throws(RlimitError) {
            let process = try KernelProcess(pid: pid)
            guard try process.isWithin(cgroup) else { return }
            let number = numbers?.number(of: pid)
            do throws(RlimitError) {
                let reply = try handler.handle(
                    request, from: session.peer, on: process, isPeer: try session.isPeer(process), wasFound: true,
                    isSilent: refusals >= Self.refusalsToldOneByOne)
                found.append(ProcessResult(pid: number, .success(reply)))
            } catch {
                guard error.code != .noSuchProcess else { return }
                refusals += 1
                found.append(ProcessResult(pid: number, .failure(error)))
            }
        } catch {
            // It has ended, or cannot be looked at: then it is not for this caller either.
            if error.code != .noSuchProcess {
                found.append(ProcessResult(pid: numbers?.number(of: pid), .failure(error)))
            }
        }
    }

    /// Tells of the refusals that were not written down, also where the peer has gone before it had them all.
    override func end(for session: Session, _ handler: inout RequestHandler) {
        guard refusals > Self.refusalsToldOneByOne else { return }
        handler.audit.refusedOthers(
            refusals - Self.refusalsToldOneByOne, of: cgroup, to: session.peer, operation: request.name)
    }

    private func finish(isIncomplete: Bool) -> Progress {
        .answers(.success(takeFound(isIncomplete: isIncomplete)), more: false)
    }

    private func takeFound(isIncomplete: Bool) -> Reply {
        defer { found.removeAll(keepingCapacity: true) }
        return .processes(found, isIncomplete: isIncomplete)
    }
}

extension KernelProcess {
    /// Whether it is in a cgroup, by the kernel's word, and still is this process after the kernel said so.
    fileprivate func isWithin(_ cgroup: String) throws(RlimitError) -> Bool {
        let path: String?
        do throws(SystemError) { path = try CgroupPath.read(of: pid) } catch {
            throw RlimitError(error, about: "process \(pid)")
        }
        guard let path, !hasEnded else { return false }
        return Policy.isCgroup(path, within: cgroup)
    }
}

extension Request {
    /// The cgroup or pod it speaks of, if it speaks of one and asks what can be asked of one.
    package func cgroupTarget() throws(RlimitError) -> CgroupTarget? {
        let target: CgroupTarget
        switch operation.whom {
        case .cgroup(let path): target = .cgroup(path)
        case .pod(let path): target = .pod(path)
        default: return nil
        }
        switch operation {
        case .get, .usage, .set(_, _, lease: nil):
            guard isQuestion else { return target }
            throw RlimitError(.unsupported, message: "explain is about one process; ask of one in the cgroup")
        case .set:
            throw RlimitError(.unsupported, message: "a lease is about one process; ask for one in the cgroup")
        default:
            throw RlimitError(.unsupported, message: "of a cgroup or a pod there is get, set and usage")
        }
    }
}
