internal import CRlimitLinux
internal import Glibc
package import RlimitModel

/// Details of a process from /proc, by pid. The caller checks the identity of the process before and after.
package enum Procfs {
    /// The details of a target that a policy matches.
    package static func detail(
        of pid: Int32, _ parts: ProcessDetail.Parts = .all
    ) throws(SystemError) -> ProcessDetail {
        let stat: ProcStat? = parts.isDisjoint(with: [.kernelThread, .ancestors]) ? nil : try ProcStat(of: pid)
        var capabilities: UInt64 = 0
        if parts.contains(.capabilities) {
            guard let known = try ProcStatus(of: pid, until: { $0.permittedCapabilities != nil }).permittedCapabilities
            else { throw SystemError(number: EBADMSG, call: "read /proc/PID/status") }
            capabilities = known
        }
        return ProcessDetail(
            parts, isKernelThread: stat?.isKernelThread ?? false, capabilities: capabilities,
            cgroup: parts.contains(.cgroup) ? (try? CgroupPath.read(of: pid)) ?? nil : nil,
            ancestors: parts.contains(.ancestors) ? stat.map(ancestors) ?? [] : [])
    }

    /// The parent of a process. 0 if the parent is outside of this PID namespace.
    package static func parent(of pid: Int32) throws(SystemError) -> Int32 { try ProcStat(of: pid).parent }

    /// The name of a process, escaped for display: a process may set any bytes.
    package static func comm(of pid: Int32) -> String? {
        guard var file = try? ProcFile(ProcPath(pid, "comm")) else { return nil }
        return try? file.withText { text in
            // The kernel appends a line end. The name may contain others.
            let end = text.count > 0 && text[text.count - 1] == UInt8(ascii: "\n") ? text.count - 1 : text.count
            return DisplayText.escaped(text.string(0..<end))
        }
    }

    // Nearest first. A parent that started after its child is another process that reuses the pid.
    private static func ancestors(from child: ProcStat) -> [Int32] {
        var found: [Int32] = []
        var current = child
        while current.parent > 0, found.count < 64, let next = try? ProcStat(of: current.parent),
            next.startTime <= current.startTime
        {
            found.append(current.parent)
            current = next
        }
        return found
    }
}

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

    /// Whether a process is in another user namespace than this process, or may be in one: the kernel shows another
    /// map of user ids, or none. Reads one file of /proc. user_namespaces(7).
    package static func mayBeInOtherUserNamespace(_ pid: Int32) -> Bool {
        guard let ownUserMap, var file = try? ProcFile(ProcPath(pid, "uid_map")) else { return true }
        let isOwn = try? file.withText { map in map.count < ownUserMap.capacity && ownUserMap.equals(map) }
        return isOwn != true
    }

    // A process never leaves its user namespace for an outer one, and the map can be written only once. The kernel
    // shows it to a reader in the same namespace as it shows the reader's own.
    private static let ownUserMap: UserMap? = {
        guard var file = try? ProcFile(ProcPath("/proc/self/uid_map")) else { return nil }
        let map = try? file.withText { text in
            UserMap(bytes: (0..<text.count).map { text[$0] })
        }
        return map?.bytes.isEmpty == false ? map : nil
    }()

    private struct UserMap {
        let bytes: [UInt8]
        /// A longer map is truncated by `ProcFile`, so that two of them cannot be compared.
        let capacity = 8192

        func equals(_ map: Span<UInt8>) -> Bool {
            guard map.count == bytes.count else { return false }
            for index in bytes.indices where bytes[index] != map[index] { return false }
            return true
        }
    }
}
