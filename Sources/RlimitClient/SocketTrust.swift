import RlimitKernel

extension AgentSocket {
    /// Why the socket cannot be trusted to be the agent's; nil where it can.
    ///
    /// Whoever can replace the socket can answer in the agent's place, so every folder on the way counts. In a container
    /// with a user namespace the owners of the host's files have no name; there a folder that is mounted read-only was put
    /// there by whoever made the container.
    ///
    /// - Throws: What stat(2) said: ENOENT where there is no such socket.
    func reasonForDistrust() throws(SystemError) -> String? {
        guard owner != .anyone else { return nil }
        for folder in Self.folders(above: path) {
            let status = try FileStatus(at: folder, followingLinks: true)
            if !isTrusted(status.uid, at: folder) { return "\(folder) belongs to user \(status.uid)" }
            if status.letsOthersReplaceContents {
                return "others may replace what is in \(folder) (mode \(status.permissions))"
            }
        }
        let status = try FileStatus(at: path, followingLinks: true)
        return isTrusted(status.uid, at: path) ? nil : "it belongs to user \(status.uid)"
    }

    private func isTrusted(_ uid: UInt32, at place: String) -> Bool {
        switch owner {
        case .anyone: true
        case .rootOrSelf where uid == OwnProcess.effectiveUID: true
        case .user(uid): true
        case .rootOrSelf, .user:
            uid == 0 || SystemFacts.idMapping.isNameless(uid) && FileStatus.isReadOnly(at: place)
        }
    }

    /// "/", "/run", "/run/rlimitd" for "/run/rlimitd/rlimitd.sock"; a relative path begins at ".".
    static func folders(above path: String) -> [String] {
        var folder = path.hasPrefix("/") ? "/" : "."
        var folders = [folder]
        for part in path.split(separator: "/").dropLast() {
            folder += folder.hasSuffix("/") ? String(part) : "/" + part
            folders.append(folder)
        }
        return folders
    }
}
