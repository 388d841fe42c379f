internal import CRlimitLinux

extension Procfs {
    /// How many descriptors a process has open; nil where the kernel does not show it.
    static func openFiles(of pid: Int32) -> UInt64? {
        let path = ProcPath(pid, "fd")
        var status = rl_file_status()
        let result = unsafe path.withCString { unsafe rl_path_status($0, 1, &status) }
        // Since Linux 6.2 the folder's size is their number, for everyone to see; before, it is 0.
        if result == 0, status.size > 0 { return UInt64(status.size) }
        return countEntries(path, isOwn: pid == rl_process_id())
    }

    /// The same, through a descriptor of that folder that was opened for its path alone.
    static func openFiles(of pid: Int32, in directory: borrowing FileDescriptor) -> UInt64? {
        var status = rl_file_status()
        let result = unsafe rl_file_status(directory.number, &status)
        return result == 0 && status.size > 0 ? UInt64(status.size) : openFiles(of: pid)
    }

    // Needs the right to trace the process.
    private static func countEntries(_ path: ProcPath, isOwn: Bool) -> UInt64? {
        do throws(SystemError) {
            var directory = try ProcDirectory(path)
            var count: UInt64 = 0
            while try directory.next() != nil { count += 1 }
            // Of ourselves we also saw the descriptor that we look through.
            return isOwn && count > 0 ? count - 1 : count
        } catch {
            return nil
        }
    }
}
