internal import CRlimitLinux
internal import Glibc
internal import RlimitModel

/// Checks a pid before it is passed to the kernel. 0 and negative numbers would name this process or a process group. 1
/// is allowed only if the caller acts with its own privileges, because in a container process 1 is the application.
enum PIDValidation {
    static func check(_ pid: Int32, allowingInit: Bool = false) throws(SystemError) {
        guard pid > (allowingInit ? 0 : 1), pid <= Request.maxPID else {
            throw SystemError(number: ESRCH, call: "process number")
        }
    }
}
