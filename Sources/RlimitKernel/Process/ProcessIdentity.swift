internal import CRlimitLinux
internal import Glibc
package import RlimitModel

/// Identifies a process until the next boot. Differs from the identity of a later process with the same pid.
package struct ProcessIdentity: Hashable, Sendable {
    package var pid: Int32
    package var discriminator: Discriminator

    package init(pid: Int32, _ discriminator: Discriminator) {
        self.pid = pid
        self.discriminator = discriminator
    }

    package enum Discriminator: Hashable, Sendable {
        /// The inode in pidfs (Linux 6.9), which is not reused before the next boot.
        case inode(UInt64)
        /// The start time, in clock ticks since boot. A pid is not reused within one tick.
        case startTime(UInt64)
    }
}

extension ProcessIdentity {
    /// Whether a caller's target is this process. The caller may know another fact than this process is known by; then
    /// the answer is no.
    package func isIdentified(by target: Request.IdentifiedPID) -> Bool {
        guard target.pid == pid else { return false }
        return switch discriminator {
        case .inode(let inode): target.isInode && target.value == inode
        case .startTime(let time): !target.isInode && target.value == time
        }
    }

    /// The target of a request for this process.
    package var target: Request.Target {
        switch discriminator {
        case .inode(let inode): .identifiedPID(Request.IdentifiedPID(pid, inode: inode))
        case .startTime(let time): .identifiedPID(Request.IdentifiedPID(pid, startTime: time))
        }
    }
}

extension Pidfd {
    /// Reads the identity: fstat(2), or /proc/PID/stat if the kernel has no pidfs.
    ///
    /// - Throws: ESRCH if the process has ended.
    package func processIdentity() throws(SystemError) -> ProcessIdentity {
        guard let pid = try localPID() else { throw SystemError(number: ESRCH, call: "pidfd") }
        if Self.hasUniqueInodes(descriptor.number), let inode = FileDescriptor.inode(of: descriptor.number) {
            return ProcessIdentity(pid: pid, .inode(inode))
        }
        let stat: ProcStat
        do throws(SystemError) { stat = try ProcStat(of: pid) } catch {
            throw hasEnded ? SystemError(number: ESRCH, call: "pidfd") : error
        }
        // If this process has not ended, its pid was not reused, and the start time is its own.
        guard !hasEnded else { throw SystemError(number: ESRCH, call: "pidfd") }
        return ProcessIdentity(pid: pid, .startTime(stat.startTime))
    }

    private static func hasUniqueInodes(_ number: Int32) -> Bool {
        SystemCall.retrying { rl_pidfd_is_unique(number) } == 1
    }
}
