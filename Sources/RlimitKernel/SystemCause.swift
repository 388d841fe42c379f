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
