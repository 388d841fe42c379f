internal import CRlimitLinux
internal import Glibc

/// What this kernel can do, found by trying it. Versions are never compared: distributions carry features back.
package struct KernelFeatures: Hashable, Sendable {
    /// SO_PEERPIDFD: the kernel vouches for the process that connected. Linux 6.5.
    package var hasPeerPidfd: Bool
    /// PIDFD_GET_INFO: who a process is, in one call. Linux 6.13.
    package var hasPidfdInfo: Bool

    package init(hasPeerPidfd: Bool, hasPidfdInfo: Bool) {
        self.hasPeerPidfd = hasPeerPidfd
        self.hasPidfdInfo = hasPidfdInfo
    }

    /// As tried once.
    package static let probed = KernelFeatures(hasPeerPidfd: probePeerPidfd(), hasPidfdInfo: probePidfdInfo())

    /// As on Linux 5.10: the ways round are taken, whatever the kernel can do.
    package static let oldest = KernelFeatures(hasPeerPidfd: false, hasPidfdInfo: false)

    // A socket that is not connected has no peer, so a kernel that knows the option answers something else than "unknown".
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
