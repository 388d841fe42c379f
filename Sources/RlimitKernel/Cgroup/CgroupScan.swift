internal import Glibc

/// The processes of a cgroup and of those below it, a step at a time: there may be thousands, and more may appear and
/// others go while they are looked through.
package struct CgroupScan: ~Copyable {
    // From the cgroup that was asked for down to the one whose processes are being read.
    private var directories: [CgroupDirectory]
    private var processes: CgroupProcsReader?
    /// Something in it could not be read, so that processes may be missing.
    package private(set) var isPartial = false

    /// Each level is a descriptor as long as the scan lasts; systemd and container runtimes make half as many.
    package static let maxDepth = 16

    /// - Parameter path: As /proc/PID/cgroup has it.
    /// - Throws: ENOENT where there is no such cgroup.
    package init(of path: String) throws(SystemError) {
        directories = [try CgroupDirectory.open(path)]
        openMembers()
    }

    /// What one step came to.
    package enum Step {
        case process(Int32)
        /// On to another cgroup.
        case nextCgroup
        case end
    }

    package mutating func step() -> Step {
        if let processes {
            do throws(SystemError) {
                if let pid = try processes.next() { return .process(pid) }
            } catch {
                recordFailure(error)
            }
            self.processes = nil
        }
        guard let directory = directories.last else { return .end }
        do throws(SystemError) {
            if let below = try directory.next() {
                if directories.count < Self.maxDepth {
                    directories.append(below)
                    openMembers()
                } else {
                    isPartial = true
                }
                return .nextCgroup
            }
        } catch {
            recordFailure(error)
        }
        directories.removeLast()
        return .nextCgroup
    }

    private mutating func openMembers() {
        do throws(SystemError) { processes = try directories.last?.processes() } catch { recordFailure(error) }
    }

    // A cgroup that was removed has no processes; a threaded one has none of its own, they are counted further up.
    private mutating func recordFailure(_ error: SystemError) {
        switch error.number {
        case ENOENT, ENODEV, EOPNOTSUPP: break
        default: isPartial = true
        }
    }
}
