internal import CRlimitLinux
internal import Glibc

/// The links in /proc/self/ns, which contain the inodes of the namespaces of this process. namespaces(7).
package enum NamespaceLink: Sendable, CaseIterable {
    case user, pid, cgroup, time

    /// Whether this process is in the initial namespace of this kind. True if the kernel has no namespaces of this
    /// kind, false if that is unknown.
    package var isInitial: Bool {
        var text = InlineArray<64, UInt8>(repeating: 0)
        var span = text.mutableSpan
        let count = unsafe span.withUnsafeMutableBytes { bytes in
            unsafe rl_read_link(path, bytes.baseAddress, bytes.count)
        }
        if count == -Int(ENOENT) { return true }
        guard count > 0, count < 64 else { return false }
        return Self.inode(text.span.extracting(0..<count)) == initialInode
    }

    /// The number in "pid:[4026531836]".
    static func inode(_ link: Span<UInt8>) -> UInt64? {
        guard let bracket = link.lastIndex(of: UInt8(ascii: "[")) else { return nil }
        var position = bracket + 1
        return link.number(at: &position)
    }

    private var path: String {
        switch self {
        case .user: "/proc/self/ns/user"
        case .pid: "/proc/self/ns/pid"
        case .cgroup: "/proc/self/ns/cgroup"
        case .time: "/proc/self/ns/time"
        }
    }

    /// The fixed inodes of <linux/proc_ns.h>: PROC_USER_INIT_INO, PROC_PID_INIT_INO, PROC_CGROUP_INIT_INO,
    /// PROC_TIME_INIT_INO.
    private var initialInode: UInt64 {
        switch self {
        case .user: 0xEFFF_FFFD
        case .pid: 0xEFFF_FFFC
        case .cgroup: 0xEFFF_FFFB
        case .time: 0xEFFF_FFFA
        }
    }
}
