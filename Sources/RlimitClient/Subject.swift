import RlimitKernel
import RlimitModel

/// The process that a call is about, held for as long as the call lasts, so that its number cannot come to mean another.
enum Subject: Sendable {
    /// The process that calls.
    case caller
    /// Another.
    case held(HeldProcess)
    /// Another where there are no pidfds: a container whose filter of system calls is older than them.
    case numbered(Int32)

    /// - Throws: `.noSuchProcess`; `.invalidArgument` for what can be no process.
    init(_ target: Target) throws(RlimitError) {
        let subject =
            switch target {
            case .currentProcess: Subject.caller
            case .process(let pid): try Self.process(pid)
            case .pidfd(let descriptor): try Self.pidfd(descriptor)
            }
        try subject.requireAlive()
        self = subject
    }

    private static func process(_ pid: Int32) throws(RlimitError) -> Subject {
        if pid == OwnProcess.pid { return .caller }
        guard pid > 0 else { throw RlimitError(.invalidArgument, message: "\(pid) is no process id") }
        do throws(SystemError) {
            return .held(HeldProcess(pidfd: try Pidfd.open(pid: pid, allowingInit: true), number: pid))
        } catch  where error.cause == .notPermitted || error.cause == .unknownCall {
            return .numbered(pid)
        } catch {
            throw RlimitError(error, holding: pid)
        }
    }

    private static func pidfd(_ descriptor: Int32) throws(RlimitError) -> Subject {
        do throws(SystemError) {
            if let pidfd = Pidfd(adopting: try FileDescriptor.duplicate(of: descriptor)) {
                // Where /proc does not tell its number, only the agent can be asked about it.
                let number = (try? pidfd.processNumber()) ?? nil
                return number == OwnProcess.pid ? .caller : .held(HeldProcess(pidfd: pidfd, number: number))
            }
        } catch {
            throw RlimitError(.invalidArgument, errno: error.number, message: "descriptor \(descriptor) is not open")
        }
        throw RlimitError(.invalidArgument, message: "descriptor \(descriptor) is no pidfd of a process")
    }

    /// How the agent is told of it.
    var whom: Request.Whom {
        switch self {
        case .caller: .caller
        case .held: .attachedPidfd
        case .numbered(let number): .pid(number)
        }
    }

    /// Whose pidfd goes along when the agent is told of it.
    var attachment: HeldProcess? {
        guard case .held(let process) = self else { return nil }
        return process
    }

    /// Whether it is the process that calls.
    var isCaller: Bool {
        if case .caller = self { return true }
        return false
    }

    /// Its number in this PID namespace, if it has one.
    var number: Int32? {
        switch self {
        case .caller: OwnProcess.pid
        case .held(let process): process.number
        case .numbered(let number): number
        }
    }

    /// As in "process 4242".
    var name: String {
        if isCaller { return "this process" }
        return number.map { "process \($0)" } ?? "a process of another PID namespace"
    }

    /// - Throws: `.noSuchProcess` where it has ended: what was read by its number then may be another's.
    func requireAlive() throws(RlimitError) {
        switch self {
        case .caller: return
        case .held(let process): if process.pidfd.hasEnded { throw .noSuchProcess(name) }
        case .numbered: return
        }
    }
}

/// A process by its pidfd, and by its number in this PID namespace if it has one.
final class HeldProcess: Sendable {
    let pidfd: Pidfd
    let number: Int32?

    init(pidfd: consuming Pidfd, number: Int32?) {
        self.pidfd = pidfd
        self.number = number
    }
}
