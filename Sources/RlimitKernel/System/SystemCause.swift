internal import Glibc

extension SystemError {
    /// The errors that callers distinguish.
    package enum Cause: Hashable, Sendable {
        case notPermitted, noAccess, noSuchProcess, noEntry, refused, timedOut, nameTooLong, invalid, unknownCall
        case badDescriptor, other
    }

    package var cause: Cause {
        switch number {
        case EPERM: .notPermitted
        case EACCES: .noAccess
        case ESRCH: .noSuchProcess
        case ENOENT, ENOTDIR: .noEntry
        case ECONNREFUSED: .refused
        case ETIMEDOUT: .timedOut
        case ENAMETOOLONG: .nameTooLong
        case EINVAL: .invalid
        case ENOSYS, EOPNOTSUPP: .unknownCall
        case EBADF: .badDescriptor
        default: .other
        }
    }
}

extension SystemError {
    /// The process has no pid in this PID namespace, so no system call can name it.
    package static var noPID: SystemError { SystemError(number: EPERM, call: "no number in this PID namespace") }
}
