internal import Glibc

extension SystemError {
    /// What an errno means to a caller, for those that are told apart.
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
    /// A process that has no number in this PID namespace, so that the kernel cannot be asked about it.
    package static var noPID: SystemError { SystemError(number: EPERM, call: "no number in this PID namespace") }
}
