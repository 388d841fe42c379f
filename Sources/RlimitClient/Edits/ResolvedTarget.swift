import RlimitKernel
import RlimitModel

/// The process that a call is about, held for as long as the call lasts, so that its number cannot come to mean another.
enum ResolvedTarget: Sendable {
    /// The process that calls.
    case caller
    /// Another.
    case pinned(PinnedProcess)
    /// Another where there are no pidfds: a container whose filter of system calls is older than them.
    case unpinned(Int32)

    /// - Throws: `.noSuchProcess`; `.invalidArgument` for what can be no process.
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
        guard pid > 0 else { throw RlimitError(.invalidArgument, message: "\(pid) is no process id") }
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
                // Where /proc does not tell its number, only the agent can be asked about it.
                let pid = (try? pidfd.localPID()) ?? nil
                return pid == OwnProcess.pid ? .caller : .pinned(PinnedProcess(pidfd: pidfd, pid: pid))
            }
        } catch {
            throw RlimitError(.invalidArgument, errno: error.number, message: "descriptor \(descriptor) is not open")
        }
        throw RlimitError(.invalidArgument, message: "descriptor \(descriptor) is no pidfd of a process")
    }

    /// How the agent is told of it.
    var requestTarget: Request.Target {
        switch self {
        case .caller: .caller
        case .pinned: .attachedPidfd
        case .unpinned(let pid): .pid(pid)
        }
    }

    /// Whose pidfd goes along when the agent is told of it.
    var pinnedProcess: PinnedProcess? {
        guard case .pinned(let process) = self else { return nil }
        return process
    }

    /// Whether it is the process that calls.
    var isCaller: Bool {
        if case .caller = self { return true }
        return false
    }

    /// Its number in this PID namespace, if it has one.
    var pid: Int32? {
        switch self {
        case .caller: OwnProcess.pid
        case .pinned(let process): process.pid
        case .unpinned(let pid): pid
        }
    }

    /// As in "process 4242".
    var name: String {
        if isCaller { return "this process" }
        return pid.map { "process \($0)" } ?? "a process of another PID namespace"
    }

    /// - Throws: `.noSuchProcess` where it has ended: what was read by its number then may be another's.
    func requireAlive() throws(RlimitError) {
        switch self {
        case .caller: return
        case .pinned(let process): if process.pidfd.hasEnded { throw .noSuchProcess(name) }
        case .unpinned: return
        }
    }
}

/// A process by its pidfd, and by its number in this PID namespace if it has one.
final class PinnedProcess: Sendable {
    let pidfd: Pidfd
    let pid: Int32?

    init(pidfd: consuming Pidfd, pid: Int32?) {
        self.pidfd = pidfd
        self.pid = pid
    }
}
