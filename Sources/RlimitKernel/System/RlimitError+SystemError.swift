internal import Glibc
package import RlimitModel

extension RlimitError {
    /// Converts the error of a system call on a process to the error for the caller.
    ///
    /// - Parameter subject: The process, such as "process 4242".
    package init(_ error: SystemError, about subject: String, resource: Resource? = nil) {
        let what = resource.map { "\($0) of \(subject)" } ?? subject
        switch error.number {
        case ESRCH, ENOENT:
            self.init(.noSuchProcess, errno: ESRCH, message: "no such process: \(subject)", resource: resource)
        case EPERM, EACCES:
            self.init(
                .deniedByKernel, errno: error.number, message: "the kernel refused \(what): \(error)",
                resource: resource)
        case EINVAL:
            self.init(.invalidArgument, message: "the kernel takes no such value for \(what)", resource: resource)
        default:
            self.init(.internalError, errno: error.number, message: "\(what): \(error)", resource: resource)
        }
    }
}
