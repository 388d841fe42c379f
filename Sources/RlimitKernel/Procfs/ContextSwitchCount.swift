internal import Glibc

/// Sums the context switches of all threads of a process, in steps, because each thread needs a read of a /proc file.
package struct ContextSwitchCount: ~Copyable {
    private let pid: Int32
    private var tasks: ProcDirectory
    package private(set) var voluntarySwitches: UInt64 = 0
    package private(set) var involuntarySwitches: UInt64 = 0

    package init(of pid: Int32) throws(SystemError) {
        self.pid = pid
        tasks = try ProcDirectory(ProcPath(pid, "task"))
    }

    /// Reads up to `count` more threads. Returns true when all were read.
    package mutating func advance(by count: Int) throws(SystemError) -> Bool {
        var remaining = count
        while remaining > 0 {
            guard let thread = try tasks.next() else { return true }
            remaining -= 1
            let path = ProcPath(pid, thread: thread, "status")
            // A thread that has ended is not counted, like those that ended before the scan.
            guard let status = try? ProcStatus(path) else { continue }
            voluntarySwitches &+= status.voluntarySwitches ?? 0
            involuntarySwitches &+= status.involuntarySwitches ?? 0
        }
        return false
    }
}
