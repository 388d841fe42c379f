internal import CRlimitLinux

extension Procfs {
    /// The number of open descriptors of a process. nil if the kernel does not show it.
    static func openFiles(of pid: Int32) -> UInt64? {
        let path = ProcPath(pid, "fd")
        var status = rl_file_status()
        let result = unsafe path.withCString { unsafe rl_path_status($0, 1, &status) }
        // Since Linux 6.2 the size of the folder is that number, and every user may read it. Before, the size is 0.
        if result == 0, status.size > 0 { return UInt64(status.size) }
        return countEntries(path, isOwn: pid == rl_process_id())
    }

    /// The number of open descriptors of a process, by an O_PATH descriptor of its fd folder.
    static func openFiles(of pid: Int32, in directory: borrowing FileDescriptor) -> UInt64? {
        var status = rl_file_status()
        let result = unsafe rl_file_status(directory.number, &status)
        return result == 0 && status.size > 0 ? UInt64(status.size) : openFiles(of: pid)
    }

    // Needs permission to trace the process.
    private static func countEntries(_ path: ProcPath, isOwn: Bool) -> UInt64? {
        do throws(SystemError) {
            var directory = try ProcDirectory(path)
            var count: UInt64 = 0
            while try directory.next() != nil { count += 1 }
            // In this process one entry is the descriptor of the scan itself.
            return isOwn && count > 0 ? count - 1 : count
        } catch {
            return nil
        }
    }
}
