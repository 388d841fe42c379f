internal import CRlimitLinux
internal import Glibc

/// What tells a process from every other since boot, also from one that gets its number later.
package struct ProcessIdentity: Hashable, Sendable {
    package var pid: Int32
    package var discriminator: Discriminator

    package init(pid: Int32, _ discriminator: Discriminator) {
        self.pid = pid
        self.discriminator = discriminator
    }

    package enum Discriminator: Hashable, Sendable {
        /// Its inode in the kernel's file system of processes (Linux 6.9), which is given to no other before the next boot.
        case inode(UInt64)
        /// When it started, in clock ticks since boot: no number comes round within one.
        case startTime(UInt64)
    }
}

extension Pidfd {
    /// fstat(2), or /proc/PID/stat where the kernel has no inode for each process.
    ///
    /// - Throws: ESRCH once it has ended.
    package func processIdentity() throws(SystemError) -> ProcessIdentity {
        guard let pid = try localPID() else { throw SystemError(number: ESRCH, call: "pidfd") }
        if Self.hasUniqueInodes(descriptor.number), let inode = FileDescriptor.inode(of: descriptor.number) {
            return ProcessIdentity(pid: pid, .inode(inode))
        }
        let stat: ProcStat
        do throws(SystemError) { stat = try ProcStat(of: pid) } catch {
            throw hasEnded ? SystemError(number: ESRCH, call: "pidfd") : error
        }
        // Had the number been another's by then, this one would have ended.
        guard !hasEnded else { throw SystemError(number: ESRCH, call: "pidfd") }
        return ProcessIdentity(pid: pid, .startTime(stat.startTime))
    }

    private static func hasUniqueInodes(_ number: Int32) -> Bool {
        SystemCall.retrying { rl_pidfd_is_unique(number) } == 1
    }
}
