import RlimitKernel
import RlimitModel
import RlimitPolicy

/// The resolved target of a request. A process is held by its pidfd.
enum ResolvedTarget: ~Copyable {
    /// The agent.
    case agent
    /// Leases, which name their processes.
    case leases
    /// A cgroup, by its path.
    case cgroup(String)
    /// The peer, or a process that was named by pid.
    case cached(CachedProcess, isPeer: Bool)
    /// The process of a pidfd that came with the frame.
    case received(LinuxProcess, isPeer: Bool)

    /// Finds the target of a request.
    ///
    /// - Parameter descriptor: The descriptor that came with the frame.
    static func resolve(
        _ request: Request, with descriptor: consuming FileDescriptor?, for session: Session,
        _ processes: inout ProcessCache, _ handler: inout RequestHandler
    ) throws(RlimitError) -> ResolvedTarget {
        if let target = try request.cgroupTarget() {
            do throws(RlimitError) { return .cgroup(try handler.policy.cgroup(of: target, for: session.peer)) } catch {
                handler.recordRefusal(error, request, to: session.peer, target: nil)
                throw error
            }
        }
        if request.operation.isAboutLeases { return .leases }
        switch request.operation.target {
        case nil: return .agent
        case .caller:
            guard let peerProcess = try processes.peerProcess(of: session) else { throw .peerNotVisible }
            return .cached(peerProcess, isPeer: true)
        case .pid(let pid):
            let process = try Self.process(pid, request, session, &processes, &handler)
            return .cached(process, isPeer: try session.isPeer(process.process))
        case .identifiedPID(let named):
            let process = try Self.process(named.pid, request, session, &processes, &handler)
            // The pidfd that the agent holds was opened by the pid. If it is of the process that the caller means, every
            // later check of the pidfd is one of that process.
            let identity = if let birth = process.birth { birth } else { try process.process.birth() }
            guard identity.isIdentified(by: named) else { throw .pidReused(named.pid) }
            return .cached(process, isPeer: try session.isPeer(process.process))
        case .attachedPidfd:
            guard session.mayAttachPidfd else {
                let error = Policy.otherTargetsDenied(session.peer, request.operation)
                handler.recordRefusal(error, request, to: session.peer, target: nil)
                throw error
            }
            let process = try LinuxProcess(receivedPidfd: descriptor)
            let isPeer = try session.isPeer(process)
            return .received(process, isPeer: isPeer)
        case .cgroup, .pod: throw RlimitError(.internalError, message: "a request about a cgroup came to a process")
        }
    }

    // The process that has this pid now.
    private static func process(
        _ pid: Int32, _ request: Request, _ session: Session, _ processes: inout ProcessCache,
        _ handler: inout RequestHandler
    ) throws(RlimitError) -> CachedProcess {
        guard session.peer.sharesNamespace else {
            let error = RlimitError.pidOfOtherNamespace(pid)
            handler.recordRefusal(error, request, to: session.peer, target: nil)
            throw error
        }
        return try processes.namedProcess(pid, for: session)
    }
}
