internal import CRlimitLinux
internal import Glibc

/// Checks that only root, the current user or a named user can put a socket at a path, so that the listener can be the
/// agent. The peer credentials of a listener prove nothing, because a service manager may have created the socket.
package enum SocketTrust {
    /// Describes why the path is not trusted. nil if it is trusted. stat(2).
    ///
    /// - Throws: ENOENT if the path does not exist, ENOTSOCK if it is not a socket.
    package static func reasonForDistrust(of path: String, alsoTrusting other: UInt32? = nil) throws(SystemError)
        -> String?
    {
        var status = rl_file_status()
        try SystemCall.value("stat") { unsafe rl_path_status(path, 0, &status) }
        if status.mode & S_IFMT == S_IFLNK { return "\(path) is a symbolic link" }
        guard status.mode & S_IFMT == S_IFSOCK else { throw SystemError(number: ENOTSOCK, call: "stat") }
        guard isTrusted(status.uid, other, at: path) else { return "\(path) belongs to user \(status.uid)" }
        // A user who can rename a parent folder can replace it.
        for directory in parentDirectories(of: path) {
            try SystemCall.value("stat") { unsafe rl_path_status(directory, 1, &status) }
            guard isTrusted(status.uid, other, at: directory) else {
                return "\(directory) belongs to user \(status.uid)"
            }
            let isSticky = status.mode & S_ISVTX != 0
            if status.mode & 0o022 != 0, !isSticky { return "others can write to \(directory)" }
        }
        return nil
    }

    private static func isTrusted(_ uid: UInt32, _ other: UInt32?, at path: String) -> Bool {
        if uid == 0 || uid == rl_effective_uid() || uid == other { return true }
        // In a user namespace the outer root shows as the overflow id, which may also be a user inside. A read-only
        // mount was set up by the creator of the container.
        return !SystemInfo.idMapping.isMapped(uid: uid) && SystemCall.retrying { unsafe rl_is_read_only(path) } == 1
    }

    // For "/run/rlimitd/x": "/run/rlimitd", "/run", "/". For "x": ".".
    private static func parentDirectories(of path: String) -> [String] {
        var found: [String] = []
        var rest = path[...]
        while let slash = rest.lastIndex(of: "/") {
            rest = rest[..<slash]
            found.append(rest.isEmpty ? "/" : String(rest))
        }
        return path.hasPrefix("/") ? found : found + ["."]
    }
}
