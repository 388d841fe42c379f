internal import Glibc

/// What holds for the whole machine, or for as long as we run.
package enum SystemInfo {
    /// `fs.nr_open`, above which no limit of open files goes; nil where /proc does not show it. It can change.
    package static func openFilesCeiling() -> UInt64? { number("/proc/sys/fs/nr_open") }

    /// The kernel's release, as uname(2) has it.
    package static let kernelRelease: String = text("/proc/sys/kernel/osrelease") ?? "unknown"

    /// Which ids are known here. Read once: a namespace's map is written once.
    package static let idMapping = IDMapping(
        hasAllUsers: isFullMap("/proc/self/uid_map"), hasAllGroups: isFullMap("/proc/self/gid_map"),
        overflowUID: number("/proc/sys/kernel/overflowuid").flatMap { UInt32(exactly: $0) } ?? 65534,
        overflowGID: number("/proc/sys/kernel/overflowgid").flatMap { UInt32(exactly: $0) } ?? 65534)

    /// Whether we are in the first user namespace, where CAP_SYS_RESOURCE raises hard limits.
    package static let isInitialUserNamespace: Bool = {
        guard idMapping.hasAllUsers else { return false }
        // A child may have been given the full map; the first namespace has a number of its own (PROC_USER_INIT_INO).
        return NamespaceLink.user() ?? 0xEFFF_FFFD == 0xEFFF_FFFD
    }()

    /// What tells this boot of the machine from every other; nil where /proc does not show it.
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
