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

    /// The calling process.
    static var caller: Subject { Subject() }

    private init() {
        pid = nil
        pidfd = nil
        isCaller = true
    }

    /// - Throws: `.noSuchProcess`; `.invalidArgument` for what can be no process.
    init(_ target: Target) throws(RlimitError) {
        switch target {
        case .currentProcess: self.init()
        case .process(let pid): try self.init(pid: pid)
        case .pidfd(let descriptor): try self.init(pidfd: descriptor)
        }
    }

    private init(pid: Int32) throws(RlimitError) {
        guard pid > 0 else { throw RlimitError(.invalidArgument, message: "\(pid) is no process id") }
        guard pid != OwnProcess.pid else {
            self.init()
            return
        }
        self.pid = pid
        isCaller = false
        do throws(SystemError) {
            pidfd = try Pidfd.open(pid: pid)
        } catch where error.cause == .notPermitted || error.cause == .unknownCall {
            // A container whose filter of system calls is older than the call.
            pidfd = nil
        } catch {
            throw error.cause == .noSuchProcess
                ? .noSuchProcess("process \(pid)") : RlimitError(error, about: "process \(pid)")
        }
        try requireAlive()
    }

    private init(pidfd descriptor: Int32) throws(RlimitError) {
        var held: Pidfd?
        var number: Int32?
        do throws(SystemError) {
            held = Pidfd(adopting: try FileDescriptor.duplicate(of: descriptor))
            number = try held?.processNumber()
        } catch {
            throw RlimitError(error, about: "descriptor \(descriptor)")
        }
        guard let held else {
            throw RlimitError(.invalidArgument, message: "descriptor \(descriptor) is no pidfd of a process")
        }
        guard number != OwnProcess.pid else {
            self.init()
            return
        }
        pid = number
        pidfd = held
        isCaller = false
        try requireAlive()
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
