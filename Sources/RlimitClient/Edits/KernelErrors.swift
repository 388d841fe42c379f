import RlimitKernel
import RlimitModel

// The messages of failures of system calls and of their arguments.
extension RlimitError {
    /// prlimit(2) failed to set a limit. EPERM can also mean that the limit exceeds fs.nr_open.
    init(_ error: SystemError, setting resource: Resource, to new: Limit, of processName: String, ceiling: Limit.Bound?)
    {
        guard error.cause == .notPermitted else {
            self.init(error, about: processName, resource: resource)
            return
        }
        if resource == .openFiles, let ceiling, new.hard > ceiling {
            self.init(
                .aboveSystemCeiling, errno: error.number,
                message: "\(resource) \(new.hard) is above fs.nr_open, which is \(ceiling)", resource: resource,
                allowed: Limit(ceiling))
        } else {
            self.init(
                .deniedByKernel, errno: error.number,
                message: "the kernel refuses \(resource) \(new) for \(processName) (\(error))", resource: resource)
        }
    }

    /// pidfd_open(2) failed.
    init(_ error: SystemError, holding pid: Int32) {
        switch error.cause {
        case .noSuchProcess: self = .noSuchProcess("process \(pid)")
        case .unknownCall: self.init(.unsupported, errno: error.number, message: "this kernel has no pidfds (\(error))")
        default: self.init(error, about: "process \(pid)")
        }
    }

    static func noSuchProcess(_ processName: String) -> RlimitError {
        RlimitError(.noSuchProcess, message: "no such process: \(processName) has ended or never existed")
    }

    static func notAProcessID(_ pid: Int32) -> RlimitError {
        RlimitError(.invalidArgument, message: "\(pid) is not a process id")
    }
}

extension SystemError {
    /// A thread could not be started: EAGAIN.
    static let noThread = SystemError(number: 11, call: "pthread_create")
}
