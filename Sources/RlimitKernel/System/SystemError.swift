internal import Glibc

/// The errno of a failed system call, and the name of the call.
package struct SystemError: Error, Hashable, Sendable {
    package let number: Int32
    package let call: StaticString

    package init(number: Int32, call: StaticString) {
        self.number = number
        self.call = call
    }

    package static func == (left: SystemError, right: SystemError) -> Bool { left.number == right.number }
    package func hash(into hasher: inout Hasher) { hasher.combine(number) }
}

extension SystemError: CustomStringConvertible {
    /// As "connect: Connection refused".
    package var description: String { "\(call): \(Self.text(of: number))" }

    /// The message of the C library for an errno. strerror_r(3).
    package static func text(of number: Int32) -> String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard let start = buffer.baseAddress, unsafe strerror_r(number, start, buffer.count) == 0 else {
                return "error \(number)"
            }
            return unsafe String(cString: start)
        }
    }
}

/// The reason why the agent cannot start, with a remedy.
package struct SetupError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

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
    /// The process lives, and /proc does not show it to this process. Its cause is `.noAccess`.
    package static var hiddenByProc: SystemError { SystemError(number: EACCES, call: "open /proc/PID/status") }

    /// The process has no pid in this PID namespace, so no system call can name it.
    package static var noPID: SystemError { SystemError(number: EPERM, call: "no number in this PID namespace") }
}
