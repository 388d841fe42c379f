import RlimitKernel
import RlimitModel

// The one place where what a system call said becomes an error of ours.

extension RlimitError {
    /// A call that was about a process or its limits.
    init(_ error: SystemError, about what: String, resource: Resource? = nil) {
        let code: Code =
            switch error.cause {
            case .notPermitted, .noAccess: .deniedByKernel
            case .noSuchProcess: .noSuchProcess
            case .invalid, .badDescriptor: .invalidArgument
            case .unknownCall: .unsupported
            default: .internalError
            }
        self.init(code, errno: error.number, message: "\(what): \(error)", resource: resource)
    }

    /// prlimit(2) that was to set a limit: an EPERM of its own stands for fs.nr_open.
    init(_ error: SystemError, setting resource: Resource, to new: Limit, of whom: String, ceiling: Limit.Bound?) {
        if error.cause == .notPermitted, resource == .openFiles, let ceiling, new.hard > ceiling {
            self.init(
                .aboveSystemCeiling, errno: error.number,
                message: "\(resource) \(new.hard) is above fs.nr_open, which is \(ceiling)", resource: resource,
                allowed: Limit(ceiling))
        } else {
            self.init(error, about: "the kernel refuses \(resource) \(new) for \(whom)", resource: resource)
        }
    }

    static func noSuchProcess(_ whom: String) -> RlimitError {
        RlimitError(.noSuchProcess, message: "no such process: \(whom) has ended or never was")
    }
}

extension RlimitError {
    static func late(_ socket: AgentSocket) -> RlimitError {
        RlimitError(.deadlineExceeded, message: "no answer in time from the agent at \(socket)")
    }

    /// connect(2) to the agent failed.
    static func unreachable(_ socket: AgentSocket, _ error: SystemError) -> RlimitError {
        let advice =
            switch error.cause {
            case .noEntry, .refused: "; start it with: systemctl start rlimitd"
            case .nameTooLong: "; a socket's path has at most 107 bytes"
            case .noAccess: "; the socket or its folder does not let this user in"
            default: ""
            }
        guard error.cause != .timedOut else { return .late(socket) }
        return RlimitError(
            .agentUnreachable, errno: error.number, message: "no agent answers at \(socket) (\(error))\(advice)")
    }

    /// It let us in twice and closed both times before it had read the request.
    static func unreachable(_ socket: AgentSocket, hangsUp error: RlimitError) -> RlimitError {
        RlimitError(
            .agentUnreachable, errno: error.errno, message: "the agent at \(socket) hangs up: \(error.message)")
    }
}
