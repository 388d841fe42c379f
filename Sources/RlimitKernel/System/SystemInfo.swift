internal import Glibc

/// Facts about the machine and about the namespaces of this process.
package enum SystemInfo {
    /// `fs.nr_open`, the maximum limit of open files, which may change. nil if /proc does not show it.
    package static func openFilesCeiling() -> UInt64? { number("/proc/sys/fs/nr_open") }

    /// The kernel release, as in uname(2).
    package static let kernelRelease: String = text("/proc/sys/kernel/osrelease") ?? "unknown"

    /// The ids that are mapped here. Read once, because the map of a namespace can be written only once.
    package static let idMapping = IDMapping(
        hasAllUsers: isFullMap("/proc/self/uid_map"), hasAllGroups: isFullMap("/proc/self/gid_map"),
        overflowUID: number("/proc/sys/kernel/overflowuid").flatMap { UInt32(exactly: $0) } ?? 65534,
        overflowGID: number("/proc/sys/kernel/overflowgid").flatMap { UInt32(exactly: $0) } ?? 65534)

    /// Whether this is the initial user namespace, where CAP_SYS_RESOURCE raises hard limits.
    package static let isInitialUserNamespace: Bool = {
        guard idMapping.hasAllUsers else { return false }
        // A child namespace may have the full map too.
        return NamespaceLink.user.isInitial
    }()

    /// Whether this is the initial time namespace, in which the start times of processes are those since boot.
    package static let isInitialTimeNamespace: Bool = NamespaceLink.time.isInitial

    /// Whether the pids in /proc are those that system calls of this process take. False if /proc belongs to another
    /// PID namespace, or if that is unknown.
    package static func procHasOwnPIDs() -> Bool {
        // NSpid begins with the pid in the namespace of /proc and ends with the pid in the process's own.
        let status = try? ProcStatus(ProcPath("/proc/self/status")) { $0.namespaceDepth != nil }
        return status?.namespaceDepth == 1
    }

    /// The id of the current boot. nil if /proc does not show it.
    package static func bootID() -> String? { text("/proc/sys/kernel/random/boot_id") }

    private static func isFullMap(_ path: StaticString) -> Bool {
        guard var file = try? ProcFile(ProcPath(path)) else { return false }
        let isFull = try? file.withText { text in
            var position = 0
            let numbers = (text.number(at: &position), text.number(at: &position), text.number(at: &position))
            return numbers.0 == 0 && numbers.1 == 0 && numbers.2 == UInt64(UInt32.max)
        }
        return isFull ?? false
    }

    private static func number(_ path: StaticString) -> UInt64? {
        guard var file = try? ProcFile(ProcPath(path)) else { return nil }
        return
            (try? file.withText { text in
                var position = 0
                return text.number(at: &position)
            }) ?? nil
    }

    private static func text(_ path: StaticString) -> String? {
        guard var file = try? ProcFile(ProcPath(path)) else { return nil }
        return try? file.withText { text in
            text.string(0..<(text.lastIndex(of: UInt8(ascii: "\n")) ?? text.count))
        }
    }
}
