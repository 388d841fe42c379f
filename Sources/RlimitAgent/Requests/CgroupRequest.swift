import RlimitKernel
import RlimitModel
import RlimitPolicy

/// A request about every process of a cgroup.
///
/// Processes come and go meanwhile. So the cgroup is gone through again until a pass finds none that was not known, and
/// each process is judged for itself, after a look whether it still is in the cgroup.
final class CgroupRequest: LongRequest {
    private let cgroup: String
    private var namespaceView: PIDNamespaceTranslator?
    private var scan: CgroupScan
    private var passes = 1
    private var foundNewProcess = false
    private var visited: Set<Int32> = []
    private var results: [ProcessResult] = []
    private var isPartial = false
    private var refusals = 0

    /// What it holds open at once: a folder for each level, their processes, and the one that is looked at.
    static let maxDescriptors = CgroupScan.maxDepth + 4
    private static let maxPasses = 8
    // Process ids of a cgroup in which something keeps forking.
    private static let maxProcesses = 131_072
    /// So many results make a response; it stays well below the greatest frame.
    private static let resultsPerResponse = 128
    /// So many refusals are written down one by one.
    private static let maxAuditedRefusals = 8

    /// - Throws: `.noSuchProcess` where there is no such cgroup.
    init(
        _ request: Request, about cgroup: String, for session: Session, now: BootInstant
    ) throws(RlimitError) {
        do throws(SystemError) { scan = try CgroupScan(of: cgroup) } catch {
            var refusal = RlimitError(error, about: "cgroup \(cgroup)")
            if refusal.code == .noSuchProcess { refusal.message = "there is no cgroup \(cgroup)" }
            throw refusal
        }
        self.cgroup = cgroup
        if let pid = session.peer.pid, let depth = session.peer.namespaceDepth {
            namespaceView = PIDNamespaceTranslator(of: pid, depth: depth)
        } else {
            namespaceView = nil
        }
        super.init(request, for: session, now: now)
    }

    override func advance(until end: BootInstant, for session: Session, _ handler: inout RequestHandler)
        -> Progress
    {
        while true {
            let now = BootInstant.now
            if now >= deadline { return finish(isIncomplete: true) }
            if now >= end { return .unfinished }
            switch scan.step() {
            case .process(let pid):
                guard visited.insert(pid).inserted else { continue }
                foundNewProcess = true
                visit(pid, for: session, &handler)
                if visited.count >= Self.maxProcesses { return finish(isIncomplete: true) }
                if results.count >= Self.resultsPerResponse {
                    return .response(.success(takeResults(isIncomplete: false)), more: true)
                }
            case .nextCgroup: continue
            case .end:
                isPartial = isPartial || scan.isPartial
                guard foundNewProcess else { return finish(isIncomplete: isPartial) }
                guard passes < Self.maxPasses, let nextScan = try? CgroupScan(of: cgroup) else {
                    // Removed meanwhile, there is nobody left in it.
                    return finish(isIncomplete: passes >= Self.maxPasses)
                }
                scan = nextScan
                passes += 1
                foundNewProcess = false
            }
        }
    }

    private func visit(_ pid: Int32, for session: Session, _ handler: inout RequestHandler) {
        do throws(RlimitError) {
            let process = try LinuxProcess(pid: pid)
            guard try process.isWithin(cgroup) else { return }
            let number = namespaceView?.number(of: pid)
            do throws(RlimitError) {
                let reply = try handler.handle(
                    request, from: session.peer, on: process, isPeer: try session.isPeer(process),
                    isFromCgroupScan: true,
                    skipsAudit: refusals >= Self.maxAuditedRefusals)
                results.append(ProcessResult(pid: number, .success(reply)))
            } catch {
                guard error.code != .noSuchProcess else { return }
                refusals += 1
                results.append(ProcessResult(pid: number, .failure(error)))
            }
        } catch {
            // It has ended, or cannot be looked at: then it is not for this caller either.
            if error.code != .noSuchProcess {
                results.append(ProcessResult(pid: namespaceView?.number(of: pid), .failure(error)))
            }
        }
    }

    /// Tells of the refusals that were not written down, also where the peer has gone before it had them all.
    override func cleanUp(for session: Session, _ handler: inout RequestHandler) {
        guard refusals > Self.maxAuditedRefusals else { return }
        handler.audit.refusalsSuppressed(
            refusals - Self.maxAuditedRefusals, of: cgroup, to: session.peer, operation: request.operationName)
    }

    private func finish(isIncomplete: Bool) -> Progress {
        .response(.success(takeResults(isIncomplete: isIncomplete)), more: false)
    }

    private func takeResults(isIncomplete: Bool) -> Reply {
        defer { results.removeAll(keepingCapacity: true) }
        return .processes(results, isIncomplete: isIncomplete)
    }
}

extension LinuxProcess {
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
