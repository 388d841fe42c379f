internal import Glibc

/// The mount options of /proc that hide processes and settings. proc(5).
package struct ProcMount: Hashable, Sendable {
    /// The value of hidepid=: "noaccess", "invisible" or "ptraceable", and a number before Linux 5.8. nil if it is absent
    /// or off.
    package var hidepid: String?
    /// The group that sees all processes in spite of hidepid=.
    package var gid: UInt32?

    package init() {}

    /// The file system that is mounted last at /proc.
    package static func current() -> ProcMount {
        var mount = ProcMount()
        guard var file = try? ProcFile(ProcPath("/proc/self/mountinfo")) else { return mount }
        try? file.forEachLine { line in
            if let parsed = ProcMount(line) { mount = parsed }
            return true
        }
        return mount
    }

    /// Parses a line of mountinfo. nil if it is not about /proc.
    package init?(_ line: Span<UInt8>) {
        let fields = line.string(0..<line.count).split(separator: " ")
        guard fields.count >= 6, fields[4] == "/proc", let options = fields.last else { return nil }
        for option in options.split(separator: ",") {
            let parts = option.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            switch parts[0] {
            case "hidepid" where parts[1] != "0" && parts[1] != "off": hidepid = String(parts[1])
            case "gid": gid = UInt32(parts[1])
            default: continue
            }
        }
    }

    /// Whether /proc hides the processes of other users from this process, which has no capability to see them.
    package var hidesOthers: Bool {
        // Process 1 has another user than this process.
        if OwnProcess.pid != 1 { return (try? ProcPath(1, "status").open()) == nil }
        guard let hidepid else { return false }
        return gid != OwnProcess.effectiveGID || hidepid == "ptraceable" || hidepid == "4"
    }
}
