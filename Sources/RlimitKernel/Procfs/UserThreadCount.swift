internal import RlimitModel

/// Counts the threads with a given real user id, which RLIMIT_NPROC limits. Works in steps, because it reads a file of
/// every process.
package struct UserThreadCount: ~Copyable {
    private let uid: UInt32
    private var processes: ProcDirectory
    /// The number of threads found so far.
    package private(set) var threads: UInt64 = 0

    package init(of uid: UInt32) throws(SystemError) {
        self.uid = uid
        processes = try ProcDirectory(ProcPath("/proc"))
    }

    /// Reads up to `count` more processes. Returns true when all were read.
    package mutating func advance(by count: Int) throws(SystemError) -> Bool {
        var remaining = count
        while remaining > 0 {
            guard let pid = try processes.next() else { return true }
            remaining -= 1
            // A process that has ended is not counted.
            guard let status = try? ProcStatus(of: pid, until: { $0.threads != nil }) else { continue }
            if status.credentials?.realUID == uid { threads &+= status.threads ?? 0 }
        }
        return false
    }
}

extension Procfs {
    /// The number of threads of a user, in one step.
    package static func threads(ofUser uid: UInt32) throws(SystemError) -> UInt64 {
        var count = try UserThreadCount(of: uid)
        while try !count.advance(by: .max) {}
        return count.threads
    }
}
