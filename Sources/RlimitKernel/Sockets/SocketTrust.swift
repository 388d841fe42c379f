internal import CRlimitLinux
internal import Glibc

/// Whether the one who listens at a path can be the agent: only root, ourselves, or a user who is named may be able to put a
/// socket there. Peer credentials of a listener say nothing, for a service manager may have made it.
package enum SocketTrust {
    /// Why the path is not to be trusted, or nil where it is. stat(2).
    ///
    /// - Throws: ENOENT where nothing is there, ENOTSOCK where that is no socket.
    package static func reasonForDistrust(of path: String, alsoTrusting other: UInt32? = nil) throws(SystemError)
        -> String?
    {
        var status = rl_file_status()
        try SystemCall.value("stat") { unsafe rl_path_status(path, 0, &status) }
        if status.mode & S_IFMT == S_IFLNK { return "\(path) is a symbolic link" }
        guard status.mode & S_IFMT == S_IFSOCK else { throw SystemError(number: ENOTSOCK, call: "stat") }
        guard isTrusted(status.uid, other, at: path) else { return "\(path) belongs to user \(status.uid)" }
        // Whoever may rename a folder on the way may put another in its place.
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
        // In a user namespace root of the outside shows as nobody, who may be a user in here too. What is mounted read-only
        // was put there by whoever made the container.
        return !SystemInfo.idMapping.isMapped(uid: uid) && SystemCall.retrying { unsafe rl_is_read_only(path) } == 1
    }

    // "/run/rlimitd/x" to "/run/rlimitd", "/run", "/"; "x" to ".".
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
