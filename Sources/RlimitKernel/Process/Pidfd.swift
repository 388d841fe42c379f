internal import CRlimitLinux
internal import Glibc
package import RlimitModel

/// A process, held: the descriptor never comes to mean another process, though the process's number may be given to another
/// once it was reaped, and the process may become another user's by exec.
package struct Pidfd: ~Copyable, Sendable {
    package let descriptor: FileDescriptor
    private let supportsPidfdInfo: Bool

    init(owning descriptor: consuming FileDescriptor, features: KernelFeatures) {
        self.descriptor = descriptor
        supportsPidfdInfo = features.hasPidfdInfo
    }

    /// Holds the process that has this number now. pidfd_open(2).
    ///
    /// - Throws: ESRCH where there is no such process, or the number is a thread's or can be no process's.
    package static func open(
        pid: Int32, allowingInit: Bool = false, features: KernelFeatures = .probed
    ) throws(SystemError) -> Pidfd {
        try PIDValidation.check(pid, allowingInit: allowingInit)
        let number = SystemCall.retrying { rl_pidfd_open(pid, 0) }
        // Of a thread that leads no process, EINVAL before Linux 6.18 and ENOENT since.
        if number == -EINVAL || number == -ENOENT { throw SystemError(number: ESRCH, call: "pidfd_open") }
        guard number >= 0 else { throw SystemError(number: -number, call: "pidfd_open") }
        return Pidfd(owning: FileDescriptor(owning: number), features: features)
    }

    /// Takes over a descriptor that a peer sent, if it is a pidfd of a process; anything else is closed.
    ///
    /// Asked by waitid(2), which looks at the kind of the descriptor alone: most other calls would reach the file system
    /// behind it, which may be the peer's own and never answer. pidfd_send_signal(2) takes directories of /proc, too.
    package init?(adopting descriptor: consuming FileDescriptor, features: KernelFeatures = .probed) {
        let number = descriptor.number
        let result = SystemCall.retrying { rl_pidfd_wait(number) }
        // It is not our child; if it were, 0 or EAGAIN.
        let isPidfd = result >= 0 || result == -ECHILD || result == -EAGAIN
        let flags = SystemCall.retrying { rl_descriptor_flags(number) }
        guard isPidfd, flags >= 0, flags & Int32(RL_PIDFD_THREAD_FLAG) == 0 else { return nil }
        // A pidfd is closed at once.
        self.init(owning: FileDescriptor(owning: descriptor.release()), features: features)
    }

    /// Who it is now; nil where it has ended, even if nobody has waited for it yet, where it has no number in this PID
    /// namespace, and where it is a thread that is no process.
    ///
    /// - Throws: EACCES where /proc hides the process and the kernel knows no other way; EPERM where an id stands for one
    ///   that this user namespace does not know.
    package func processCredentials() throws(SystemError) -> ProcessCredentials? {
        guard let identity = try uncheckedCredentials(), !hasEnded else { return nil }
        guard SystemInfo.idMapping.isMapped(identity.credentials) else {
            throw SystemError(number: EPERM, call: "identity outside of the user namespace")
        }
        return identity
    }

    /// Whether it has ended, reaped or not. poll(2).
    package var hasEnded: Bool {
        var revents: Int32 = 0
        let ready = SystemCall.retrying { unsafe rl_poll(descriptor.number, Int32(RL_POLL_IN.rawValue), 0, &revents) }
        return ready != 0
    }

    /// PID namespaces from ours down to its own: 1 where it is ours; nil where it is not below ours, or ended.
    package func namespaceDepth() throws(SystemError) -> Int? {
        let fdinfo = try PidfdFdinfo(of: descriptor.number)
        guard let pid = fdinfo.pid, pid > 0 else { return nil }
        return fdinfo.namespaceDepth
    }

    /// Its number in this PID namespace; nil where it has none here, or was reaped.
    package func localPID() throws(SystemError) -> Int32? { try fdinfoPID() }

    private func uncheckedCredentials() throws(SystemError) -> ProcessCredentials? {
        guard supportsPidfdInfo else { return try credentialsFromProc() }
        switch try PidfdInfo.query(descriptor.number) {
        case .credentials(let identity): return identity
        case .noProcess: return nil
        case .unsupported: return try credentialsFromProc()
        }
    }

    // The number, what /proc says of it, and the number again: it is given to nobody else before the process is reaped, and
    // then the entry says -1.
    private func credentialsFromProc() throws(SystemError) -> ProcessCredentials? {
        guard let pid = try fdinfoPID() else { return nil }
        let status: ProcStatus
        do throws(SystemError) {
            status = try ProcStatus(of: pid) { $0.credentials != nil }
        } catch {
            guard error.number == ENOENT || error.number == ESRCH else { throw error }
            // It ended, or /proc is mounted so that it hides others' processes (hidepid).
            if hasEnded { return nil }
            throw SystemError(number: EACCES, call: "open /proc/PID/status")
        }
        guard status.threadGroup == pid, let credentials = status.credentials, try fdinfoPID() == pid else {
            return nil
        }
        return ProcessCredentials(pid: pid, credentials: credentials)
    }

    private func fdinfoPID() throws(SystemError) -> Int32? {
        guard let pid = try PidfdFdinfo(of: descriptor.number).pid, pid > 0 else { return nil }
        return Int32(exactly: pid)
    }
}
