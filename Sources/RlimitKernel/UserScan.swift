internal import RlimitModel

/// Counts the threads whose real user id is a given one, which is what RLIMIT_NPROC limits, a slice at a time: it reads a
/// file of every process there is.
package struct UserScan: ~Copyable {
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
        var left = count
        while left > 0 {
            guard let pid = try processes.next() else { return true }
            left -= 1
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
        var scan = try UserScan(of: uid)
        while try !scan.advance(by: .max) {}
        return scan.threads
    }
}
