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
        // A child namespace may have the full map too. The initial one has a fixed inode (PROC_USER_INIT_INO).
        return NamespaceLink.user() ?? 0xEFFF_FFFD == 0xEFFF_FFFD
    }()

    /// Whether this is the initial time namespace, in which the start times of processes are those since boot.
    package static let isInitialTimeNamespace: Bool = {
        // The initial one has a fixed inode (PROC_TIME_INIT_INO). A kernel without time namespaces has no link.
        NamespaceLink.time() ?? 0xEFFF_FFFA == 0xEFFF_FFFA
    }()

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
