import RlimitKernel
import RlimitModel

/// The process that a call is about, held for as long as the call lasts, so that its number cannot come to mean another.
struct Subject: ~Copyable {
    // The caller itself has neither; a process that has no number in this PID namespace has no pid, and where the kernel
    // gives no pidfds there is only the pid.
    private let pid: Int32?
    private let pidfd: Pidfd?
    /// Whether it is the process that calls.
    let isCaller: Bool

    private init(_ pid: Int32?, _ pidfd: consuming Pidfd?, isCaller: Bool) {
        self.pid = pid
        self.pidfd = pidfd
        self.isCaller = isCaller
    }

    /// The calling process.
    static var caller: Subject { Subject(nil, nil, isCaller: true) }

    /// - Throws: `.noSuchProcess`; `.invalidArgument` for what can be no process.
    init(_ target: Target) throws(RlimitError) {
        let subject =
            switch target {
            case .currentProcess: Self.caller
            case .process(let pid): try Self.numbered(pid)
            case .pidfd(let descriptor): try Self.held(descriptor)
            }
        try subject.requireAlive()
        self = subject
    }

    private static func numbered(_ pid: Int32) throws(RlimitError) -> Subject {
        if pid == OwnProcess.pid { return .caller }
        guard pid > 0 else { throw RlimitError(.invalidArgument, message: "\(pid) is no process id") }
        do throws(SystemError) {
            return Subject(pid, try Pidfd.open(pid: pid, allowingInit: true), isCaller: false)
        } catch {
            switch error.cause {
            // A container whose filter of system calls is older than the call: there is only the number.
            case .notPermitted, .unknownCall: return Subject(pid, nil, isCaller: false)
            case .noSuchProcess: throw .noSuchProcess("process \(pid)")
            default: throw RlimitError(error, about: "process \(pid)")
            }
        }
    }

    private static func held(_ descriptor: Int32) throws(RlimitError) -> Subject {
        do throws(SystemError) {
            if let pidfd = Pidfd(adopting: try FileDescriptor.duplicate(of: descriptor)) {
                let pid = try pidfd.processNumber()
                return pid == OwnProcess.pid ? .caller : Subject(pid, pidfd, isCaller: false)
            }
        } catch {
            throw RlimitError(error, about: "descriptor \(descriptor)")
        }
        throw RlimitError(.invalidArgument, message: "descriptor \(descriptor) is no pidfd of a process")
    }

    /// How the agent is told of it, and the descriptor that goes along.
    var whom: Request.Whom {
        if isCaller { return .caller }
        if pidfd != nil { return .attachedPidfd }
        return pid.map(Request.Whom.pid) ?? .caller
    }

    var attachment: Int32? {
        switch pidfd {
        case .some(let pidfd): pidfd.descriptor.number
        case .none: nil
        }
    }

    /// As in "process 4242".
    var name: String {
        if isCaller { return "this process" }
        return pid.map { "process \($0)" } ?? "a process of another PID namespace"
    }

    /// Its number here, where the kernel may be asked about it by that: of the caller its own.
    var number: Int32? { isCaller ? OwnProcess.pid : pid }

    /// - Throws: `.noSuchProcess` where it has ended: then what was read may be another's.
    func requireAlive() throws(RlimitError) {
        switch pidfd {
        case .some(let pidfd) where pidfd.hasEnded: throw .noSuchProcess(name)
        default: return
        }
    }
}
