extension Procfs {
    /// Whether a process lives in a user namespace below the initial one: its map of user ids is not the whole. What cannot
    /// be read is taken for the usual. user_namespaces(7).
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
