internal import CRlimitLinux
internal import Glibc
internal import RlimitModel

/// Numbers that may name a process to the kernel. 0 and below would mean ourselves or a group. 1 is never touched for others;
/// only a caller who acts with its own rights may mean it, since in a container that is the application.
enum PIDValidation {
    static func check(_ pid: Int32, allowingInit: Bool = false) throws(SystemError) {
        guard pid > (allowingInit ? 0 : 1), pid <= Request.maxPID else {
            throw SystemError(number: ESRCH, call: "process number")
        }
    }
}
