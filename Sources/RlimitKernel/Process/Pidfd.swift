internal import CRlimitLinux
internal import Glibc
package import RlimitModel

/// A descriptor of a process. It always refers to this process, even after the process was reaped and its pid was
/// reused. The credentials of the process may change, for example in execve(2).
package struct Pidfd: ~Copyable, Sendable {
    package let descriptor: FileDescriptor
    private let supportsPidfdInfo: Bool

    init(owning descriptor: consuming FileDescriptor, features: KernelFeatures) {
        self.descriptor = descriptor
        supportsPidfdInfo = features.hasPidfdInfo
    }

    /// Opens the process that has this pid now. pidfd_open(2).
    ///
    /// - Throws: ESRCH if there is no such process, if the pid is out of range, or if it names a thread other than the
    ///   leader.
    package static func open(
        pid: Int32, allowingInit: Bool = false, features: KernelFeatures = .probed
    ) throws(SystemError) -> Pidfd {
        try PIDValidation.check(pid, allowingInit: allowingInit)
        let number = SystemCall.retrying { rl_pidfd_open(pid, 0) }
        // A thread that is not a thread group leader: EINVAL before Linux 6.18, ENOENT since.
        if number == -EINVAL || number == -ENOENT { throw SystemError(number: ESRCH, call: "pidfd_open") }
        guard number >= 0 else { throw SystemError(number: -number, call: "pidfd_open") }
        return Pidfd(owning: FileDescriptor(owning: number), features: features)
    }

    /// Takes ownership of a descriptor from a peer if it is a pidfd of a process. Closes any other descriptor.
    ///
    /// Uses waitid(2), which checks only the type of the descriptor. Most other calls would reach the file system of
    /// the descriptor, which may be a file system of the peer that never responds. pidfd_send_signal(2) also accepts
    /// directories of /proc.
    package init?(adopting descriptor: consuming FileDescriptor, features: KernelFeatures = .probed) {
        let number = descriptor.number
        let result = SystemCall.retrying { rl_pidfd_wait(number) }
        // ECHILD: a pidfd, not of a child of this process. A child gives 0 or EAGAIN.
        let isPidfd = result >= 0 || result == -ECHILD || result == -EAGAIN
        let flags = SystemCall.retrying { rl_descriptor_flags(number) }
        guard isPidfd, flags >= 0, flags & Int32(RL_PIDFD_THREAD_FLAG) == 0 else { return nil }
        // Closing a pidfd never blocks, so it needs no deferred close.
        self.init(owning: FileDescriptor(owning: descriptor.release()), features: features)
    }

    /// The current credentials. nil if the process has ended, reaped or not, if it has no pid in this PID namespace, or
    /// if the descriptor is of a thread other than the leader.
    ///
    /// - Throws: EACCES if /proc hides the process and the kernel has no PIDFD_GET_INFO; EPERM if an id is not mapped
    ///   in this user namespace.
    package func processCredentials() throws(SystemError) -> ProcessCredentials? {
        guard let identity = try uncheckedCredentials(), !hasEnded else { return nil }
        guard SystemInfo.idMapping.isMapped(identity.credentials) else {
            throw SystemError(number: EPERM, call: "identity outside of the user namespace")
        }
        return identity
    }

    /// Whether the process has ended, reaped or not. poll(2).
    package var hasEnded: Bool {
        var revents: Int32 = 0
        let ready = SystemCall.retrying { unsafe rl_poll(descriptor.number, Int32(RL_POLL_IN.rawValue), 0, &revents) }
        return ready != 0
    }

    /// The number of PID namespaces from this one to the process's own, both included. nil if its namespace is not this
    /// one or a descendant, or if the process was reaped.
    package func namespaceDepth() throws(SystemError) -> Int? {
        let fdinfo = try PidfdFdinfo(of: descriptor.number)
        guard let pid = fdinfo.pid, pid > 0 else { return nil }
        return fdinfo.namespaceDepth
    }

    /// The pid in this PID namespace. nil if it has none here or was reaped.
    package func localPID() throws(SystemError) -> Int32? { try fdinfoPID() }

    private func uncheckedCredentials() throws(SystemError) -> ProcessCredentials? {
        guard supportsPidfdInfo else { return try credentialsFromProc() }
        switch try PidfdInfo.query(descriptor.number) {
        case .credentials(let identity): return identity
        case .noProcess: return nil
        case .unsupported: return try credentialsFromProc()
        }
    }

    // Reads the pid, its /proc status, and the pid again. The pid is not reused before the process is reaped, and then
    // fdinfo shows -1.
    private func credentialsFromProc() throws(SystemError) -> ProcessCredentials? {
        guard let pid = try fdinfoPID() else { return nil }
        let status: ProcStatus
        do throws(SystemError) {
            status = try ProcStatus(of: pid) { $0.credentials != nil }
        } catch {
            // The process ended, or /proc is mounted with hidepid: EPERM for 1, ENOENT for 2 and 4.
            guard [ENOENT, ESRCH, EPERM, EACCES].contains(error.number) else { throw error }
            if hasEnded { return nil }
            throw .hiddenByProc
        }
        guard status.threadGroup == pid, let credentials = status.credentials, try fdinfoPID() == pid else {
            return nil
        }
        return ProcessCredentials(pid: pid, credentials: credentials)
    }

    /// Whether reading a file of this process in /proc failed because /proc hides the process, which lives.
    ///
    /// - Parameter pid: The pid by which the file was read.
    package func isHiddenByProc(as pid: Int32, after error: SystemError) -> Bool {
        guard [ENOENT, ESRCH, EPERM, EACCES].contains(error.number), !hasEnded else { return false }
        // Every user may read this file of every process that /proc shows.
        return (try? ProcPath(pid, "status").open()) == nil && !hasEnded
    }

    private func fdinfoPID() throws(SystemError) -> Int32? {
        guard let pid = try PidfdFdinfo(of: descriptor.number).pid, pid > 0 else { return nil }
        return Int32(exactly: pid)
    }
}
