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
