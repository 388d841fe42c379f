internal import CRlimitLinux
internal import Glibc

/// Features of the running kernel, found by calls. Versions are never compared, because distributions backport
/// features.
package struct KernelFeatures: Hashable, Sendable {
    /// SO_PEERPIDFD: the kernel gives a pidfd of the process that connected. Linux 6.5.
    package var hasPeerPidfd: Bool
    /// PIDFD_GET_INFO: pid and credentials of a process, in one call. Linux 6.13.
    package var hasPidfdInfo: Bool

    package init(hasPeerPidfd: Bool, hasPidfdInfo: Bool) {
        self.hasPeerPidfd = hasPeerPidfd
        self.hasPidfdInfo = hasPidfdInfo
    }

    /// The features of this kernel, probed once.
    package static let probed = KernelFeatures(hasPeerPidfd: probePeerPidfd(), hasPidfdInfo: probePidfdInfo())

    /// The features of Linux 5.10. Selects the fallbacks on any kernel.
    package static let oldest = KernelFeatures(hasPeerPidfd: false, hasPidfdInfo: false)

    // A socket that is not connected has no peer, so a kernel with the option fails with an error other than
    // ENOPROTOOPT.
    private static func probePeerPidfd() -> Bool {
        let number = rl_stream_socket()
        guard number >= 0 else { return false }
        let socket = FileDescriptor(owning: number)
        var pidfd: Int32 = -1
        var length = UInt32(MemoryLayout<Int32>.size)
        return unsafe rl_peer_pidfd(socket.number, &pidfd, &length) != -ENOPROTOOPT
    }

    private static func probePidfdInfo() -> Bool {
        let number = rl_pidfd_open(rl_process_id(), 0)
        guard number >= 0 else { return false }
        let pidfd = FileDescriptor(owning: number)
        var info = PidfdInfo.emptyQuery
        return unsafe rl_pidfd_info(pidfd.number, &info) == 0 && PidfdInfo.isComplete(info)
    }
}
