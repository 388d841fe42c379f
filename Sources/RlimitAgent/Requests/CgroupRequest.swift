import RlimitKernel
import RlimitModel
import RlimitPolicy

/// A request about every process of a cgroup.
///
/// Processes start and end during the scan. The scan is therefore repeated until a pass finds no new process. The
/// policy decides on each process separately, after a check that the process still is in the cgroup.
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

    /// The maximum number of descriptors that it holds: a directory for each level, their process lists, and the
    /// current process.
    static let maxDescriptors = CgroupScan.maxDepth + 4
    private static let maxPasses = 8
    // Bounds the scan of a cgroup in which processes fork without end.
    private static let maxProcesses = 131_072
    /// The maximum number of results in a response. Such a response stays well below the maximum frame length.
    private static let resultsPerResponse = 128
    /// The maximum number of refusals that are logged individually.
    private static let maxAuditedRefusals = 8

    /// - Throws: `.noSuchProcess` if there is no such cgroup.
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
                    // A cgroup that was removed meanwhile contains no process.
                    return finish(isIncomplete: passes >= Self.maxPasses)
                }
                scan = nextScan
                passes += 1
                foundNewProcess = false
            }
        }
    }

    /// What was found since the last response.
    override func outcomeWithoutReader() -> Result<Reply, RlimitError> { .success(takeResults(isIncomplete: true)) }

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
            // The process has ended, or the agent cannot inspect it, and so this caller may not see it either.
            if error.code != .noSuchProcess {
                results.append(ProcessResult(pid: namespaceView?.number(of: pid), .failure(error)))
            }
        }
    }

    /// Logs how many refusals were not logged individually, also if the peer has closed the connection before the end.
    override func cleanUp(for session: Session, _ handler: inout RequestHandler) {
        guard refusals > Self.maxAuditedRefusals else { return }
        handler.audit.refusalsSuppressed(
            refusals - Self.maxAuditedRefusals, of: cgroup, to: session.peer, of: session.tenantUsage.tenant,
            operation: request.operationName)
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
    /// Whether it is in a cgroup. After /proc was read by pid, this checks that the process has not ended.
    fileprivate func isWithin(_ cgroup: String) throws(RlimitError) -> Bool {
        guard let path = try cgroupPath(), !hasEnded else { return false }
        return Policy.isCgroup(path, within: cgroup)
    }
}
