extension Procfs {
    /// Whether a process is in a child user namespace: its map does not cover all user ids. False if the map cannot be
    /// read. user_namespaces(7).
    package static func isInChildUserNamespace(_ pid: Int32) -> Bool {
        guard var file = try? ProcFile(ProcPath(pid, "uid_map")) else { return false }
        let isFull = try? file.withText { text in
            var position = 0
            let (inside, outside, count) = (
                text.number(at: &position), text.number(at: &position), text.number(at: &position)
            )
            return inside == 0 && outside == 0 && count == UInt64(UInt32.max)
        }
        return isFull == false
    }
}
