import RlimitKernel
import RlimitModel

/// The target of a call, pinned for its duration, so that a reused pid cannot redirect the call.
enum ResolvedTarget: Sendable {
    /// The calling process.
    case caller
    /// Another process.
    case pinned(PinnedProcess)
    /// Another process, without a pidfd: the seccomp filter of a container may be older than pidfd_open(2).
    case unpinned(Int32)

    /// - Throws: `.noSuchProcess`; `.invalidArgument` for a number or descriptor that cannot be a process.
    init(_ target: Target) throws(RlimitError) {
        let resolvedTarget =
            switch target {
            case .currentProcess: ResolvedTarget.caller
            case .process(let pid): try Self.process(pid)
            case .pidfd(let descriptor): try Self.pidfd(descriptor)
            }
        try resolvedTarget.requireAlive()
        self = resolvedTarget
    }

    private static func process(_ pid: Int32) throws(RlimitError) -> ResolvedTarget {
        if pid == OwnProcess.pid { return .caller }
        guard pid > 0 else { throw .notAProcessID(pid) }
        do throws(SystemError) {
            return .pinned(PinnedProcess(pidfd: try Pidfd.open(pid: pid, allowingInit: true), pid: pid))
        } catch  where error.cause == .notPermitted || error.cause == .unknownCall {
            return .unpinned(pid)
        } catch {
            throw RlimitError(error, holding: pid)
        }
    }

    private static func pidfd(_ descriptor: Int32) throws(RlimitError) -> ResolvedTarget {
        do throws(SystemError) {
            if let pidfd = Pidfd(adopting: try FileDescriptor.duplicate(of: descriptor)) {
                // Without a pid from /proc, only the agent can be asked about the process.
                let pid = (try? pidfd.localPID()) ?? nil
                return pid == OwnProcess.pid ? .caller : .pinned(PinnedProcess(pidfd: pidfd, pid: pid))
            }
        } catch {
            throw RlimitError(.invalidArgument, errno: error.number, message: "descriptor \(descriptor) is not open")
        }
        throw RlimitError(.invalidArgument, message: "descriptor \(descriptor) is not a pidfd of a process")
    }

    /// The target in a request to the agent.
    var requestTarget: Request.Target {
        switch self {
        case .caller: .caller
        case .pinned: .attachedPidfd
        case .unpinned(let pid): .pid(pid)
        }
    }

    /// The process whose pidfd is sent with a request.
    var pinnedProcess: PinnedProcess? {
        guard case .pinned(let process) = self else { return nil }
        return process
    }

    /// Whether it is the calling process.
    var isCaller: Bool {
        if case .caller = self { return true }
        return false
    }

    /// Its pid in this PID namespace, if it has one.
    var pid: Int32? {
        switch self {
        case .caller: OwnProcess.pid
        case .pinned(let process): process.pid
        case .unpinned(let pid): pid
        }
    }

    /// Its name in messages, such as "process 4242".
    var name: String {
        if isCaller { return "this process" }
        return pid.map { "process \($0)" } ?? "a process of another PID namespace"
    }

    /// - Throws: `.noSuchProcess` if it has ended. Data that was read by its pid may then belong to another process.
    func requireAlive() throws(RlimitError) {
        switch self {
        case .caller: return
        case .pinned(let process): if process.pidfd.hasEnded { throw .noSuchProcess(name) }
        case .unpinned: return
        }
    }
}

/// A pidfd, and the pid of its process in this PID namespace if it has one.
final class PinnedProcess: Sendable {
    let pidfd: Pidfd
    let pid: Int32?

    init(pidfd: consuming Pidfd, pid: Int32?) {
        self.pidfd = pidfd
        self.pid = pid
    }

    /// What distinguishes it from later processes with its pid; nil if the kernel does not tell. The start times in /proc
    /// are those of the agent only in the initial time namespace.
    var identity: ProcessIdentity? {
        guard let identity = try? pidfd.processIdentity() else { return nil }
        if case .startTime = identity.discriminator, !SystemInfo.isInitialTimeNamespace { return nil }
        return identity
    }
}

extension ResolvedTarget: LimitStore {
    func read(_ resource: Resource) throws(RlimitError) -> Limit {
        let limit: Limit
        do throws(SystemError) {
            if isCaller {
                limit = try ProcessLimits.readOwn(resource)
            } else {
                limit = try ProcessLimits.read(resource, of: try requirePID(), allowingInit: true)
            }
        } catch {
            throw failure(error)
        }
        try requireAlive()
        return limit
    }

    func exchange(_ resource: Resource, for new: Limit) throws(RlimitError) -> Limit {
        let old: Limit
        do throws(SystemError) {
            if isCaller { return try ProcessLimits.exchangeOwn(resource, for: new) }
            old = try ProcessLimits.exchange(resource, of: try requirePID(), for: new, allowingInit: true)
        } catch  where error.cause == .noSuchProcess {
            throw failure(error)
        } catch {
            throw RlimitError(error, setting: resource, to: new, of: name, ceiling: openFilesCeiling)
        }
        do throws(RlimitError) {
            try requireAlive()
        } catch {
            restore(resource, old)
            throw error
        }
        return old
    }

    var openFilesCeiling: Limit.Bound? { SystemInfo.openFilesCeiling().map { Limit.Bound($0) } }

    /// Reads one limit with prlimit(2), or else from /proc; nil if both refuse, or the strategy excludes them.
    func limit(_ resource: Resource, _ strategy: LimitClient.Strategy) throws(RlimitError) -> Limit? {
        guard strategy == .kernelFirst else { return nil }
        var resources = ResourceSet.none
        resources.insert(resource)
        return try limits(resources, strategy)?[resource]
    }

    /// Reads limits with prlimit(2), or else from /proc; nil if both refuse, or the strategy excludes them.
    func limits(_ resources: ResourceSet, _ strategy: LimitClient.Strategy) throws(RlimitError) -> Limits? {
        guard strategy == .kernelFirst else { return nil }
        if let limits = try readIfPermitted(resources) { return limits }
        return try readFromProc()
    }

    /// Reads limits with prlimit(2); nil if it refuses. It then refuses every change too.
    func readIfPermitted(_ resources: ResourceSet) throws(RlimitError) -> Limits? {
        var limits = Limits()
        do throws(RlimitError) {
            for resource in resources { limits[resource] = try read(resource) }
        } catch {
            guard error.code == .deniedByKernel else { throw error }
            return nil
        }
        return limits
    }

    /// Reads the limits that /proc shows to all users; nil if /proc hides the process.
    func readFromProc() throws(RlimitError) -> Limits? {
        guard let pid else { return nil }
        let limits = try? ProcessLimits.readFromProc(of: pid)
        try requireAlive()
        return limits
    }

    // The pid may have been reused just before the call. Raises again what the call has lowered in the other process,
    // if permitted. A limit that the call has raised stays, because it does no harm.
    private func restore(_ resource: Resource, _ old: Limit) {
        guard let pid, let now = try? ProcessLimits.read(resource, of: pid, allowingInit: true) else { return }
        let restored = Limit(soft: max(now.soft, old.soft), hard: max(now.hard, old.hard))
        if restored != now { _ = try? ProcessLimits.exchange(resource, of: pid, for: restored, allowingInit: true) }
    }

    private func requirePID() throws(SystemError) -> Int32 {
        guard let pid else { throw .noPID }
        return pid
    }

    private func failure(_ error: SystemError) -> RlimitError {
        error.cause == .noSuchProcess ? .noSuchProcess(name) : RlimitError(error, about: name)
    }
}

extension ResolvedTarget {
    /// Reads the use from getrusage(2) or /proc; nil if /proc hides the process, or the strategy excludes them.
    func usage(_ scope: Usage.Scope, _ strategy: LimitClient.Strategy) throws(RlimitError) -> Usage? {
        guard strategy == .kernelFirst else { return nil }
        return try readFromProc { () throws(SystemError) in
            if isCaller { return try OwnUsage.usage(scope) }
            guard let pid else { throw .noPID }
            return try Procfs.usage(of: pid, scope)
        }
    }

    /// As `usage(_:_:)`, for one thread.
    func usage(ofThread thread: Int32, _ strategy: LimitClient.Strategy) throws(RlimitError) -> Usage? {
        guard thread > 0 else { throw RlimitError(.invalidArgument, message: "\(thread) is not a thread id") }
        guard strategy == .kernelFirst else { return nil }
        return try readFromProc { () throws(SystemError) in
            if isCaller, thread == OwnProcess.thread { return try OwnUsage.threadUsage() }
            guard let pid else { throw .noPID }
            return try Procfs.usage(ofThread: thread, in: pid)
        }
    }

    private func readFromProc(_ read: () throws(SystemError) -> Usage) throws(RlimitError) -> Usage? {
        let usage: Usage
        do throws(SystemError) {
            usage = try read()
        } catch {
            try requireAlive()
            switch error.cause {
            case .notPermitted, .noAccess, .noEntry: return nil
            case .noSuchProcess: throw RlimitError(.noSuchProcess, message: "\(name) has no such thread")
            default: throw RlimitError(error, about: name)
            }
        }
        try requireAlive()
        return usage
    }
}
