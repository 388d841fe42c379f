internal import Glibc

/// Sums the context switches over the threads of a process, a slice at a time: each thread costs a file of /proc.
package struct ContextSwitchCount: ~Copyable {
    private let pid: Int32
    private var tasks: ProcDirectory
    package private(set) var voluntarySwitches: UInt64 = 0
    package private(set) var involuntarySwitches: UInt64 = 0

    package init(of pid: Int32) throws(SystemError) {
        self.pid = pid
        tasks = try ProcDirectory(ProcPath(pid, "task"))
    }

    /// Reads up to `count` threads more. True when all were read.
    package mutating func advance(by count: Int) throws(SystemError) -> Bool {
        var remaining = count
        while remaining > 0 {
            guard let thread = try tasks.next() else { return true }
            remaining -= 1
            let path = ProcPath(pid, thread: thread, "status")
            // One that ended meanwhile is left out, as those before it are.
            guard let status = try? ProcStatus(path) else { continue }
            voluntarySwitches &+= status.voluntarySwitches ?? 0
            involuntarySwitches &+= status.involuntarySwitches ?? 0
        }
        return false
    }
}
