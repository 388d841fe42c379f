internal import RlimitModel

/// Counts the threads whose real user id is a given one, which is what RLIMIT_NPROC limits, a slice at a time: it reads a
/// file of every process there is.
package struct UserThreadCount: ~Copyable {
    private let uid: UInt32
    private var processes: ProcDirectory
    /// As many as were found so far.
    package private(set) var threads: UInt64 = 0

    package init(of uid: UInt32) throws(SystemError) {
        self.uid = uid
        processes = try ProcDirectory(ProcPath("/proc"))
    }

    /// Reads up to `count` processes more. True when all were read.
    package mutating func advance(by count: Int) throws(SystemError) -> Bool {
        var remaining = count
        while remaining > 0 {
            guard let pid = try processes.next() else { return true }
            remaining -= 1
            // Those that ended meanwhile count no more.
            guard let status = try? ProcStatus(of: pid, until: { $0.threads != nil }) else { continue }
            if status.credentials?.realUID == uid { threads &+= status.threads ?? 0 }
        }
        return false
    }
}

extension Procfs {
    /// The threads of a user, all at once.
    package static func threads(ofUser uid: UInt32) throws(SystemError) -> UInt64 {
        var count = try UserThreadCount(of: uid)
        while try !count.advance(by: .max) {}
        return count.threads
    }
}
