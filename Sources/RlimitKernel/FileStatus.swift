internal import CRlimitLinux
internal import Glibc

/// Whose a file is and who may change it: what can be known without opening it.
package struct FileStatus: Hashable, Sendable {
    package let uid: UInt32
    /// Which file it is, together with its device.
    package let inode: UInt64
    private let mode: UInt32

    /// Of the file at a path; of a link itself unless it is to be followed. stat(2), lstat(2).
    package init(at path: String, followingLinks: Bool) throws(SystemError) {
        var status = rl_file_status()
        try SystemCall.value("stat") { unsafe rl_path_status(path, followingLinks ? 1 : 0, &status) }
        self.init(status)
    }

    /// Of an open file. fstat(2).
    package init(of descriptor: Int32) throws(SystemError) {
        var status = rl_file_status()
        try SystemCall.value("fstat") { unsafe rl_file_status(descriptor, &status) }
        self.init(status)
    }

    private init(_ status: rl_file_status) {
        uid = status.uid
        inode = status.inode
        mode = status.mode
    }

    package var isLink: Bool { mode & S_IFMT == S_IFLNK }

    /// Users other than its owner may remove or rename what is in this folder. The sticky bit leaves that to whoever owns it.
    package var letsOthersReplaceContents: Bool { mode & (S_IWGRP | S_IWOTH) != 0 && mode & S_ISVTX == 0 }

    /// "1777", "755": the permission bits as chmod(1) takes them.
    package var permissions: String { String(mode & 0o7777, radix: 8) }

    /// Whether nobody here can write to the file system at a path, whoever owns what is on it. statvfs(3).
    package static func isReadOnly(at path: String) -> Bool { SystemCall.retrying { rl_is_read_only(path) } == 1 }
}
