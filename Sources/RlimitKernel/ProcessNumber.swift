internal import CRlimitLinux
internal import Glibc
internal import RlimitModel

/// Numbers that may name a process to the kernel. 0 and below would mean ourselves or a group; 1 is never touched.
enum ProcessNumber {
    static func check(_ pid: Int32) throws(SystemError) {
        guard pid > 1, pid <= Request.greatestPID else { throw SystemError(number: ESRCH, call: "process number") }
    }
}
