internal import Glibc

/// Lists the processes of a cgroup and its descendants in steps, because there may be thousands. Processes may appear
/// and end during the scan.
package struct CgroupScan: ~Copyable {
    // From the requested cgroup down to the one that is being read.
    private var directories: [CgroupDirectory]
    private var processes: CgroupProcsReader?
    /// Whether a read failed, so that processes may be missing.
    package private(set) var isPartial = false

    /// The maximum depth. Each level holds a descriptor during the scan. systemd and container runtimes create about 8
    /// levels.
    package static let maxDepth = 16

    /// - Parameter path: A path from /proc/PID/cgroup.
    /// - Throws: ENOENT if there is no such cgroup.
    package init(of path: String) throws(SystemError) {
        directories = [try CgroupDirectory.open(path)]
        openMembers()
    }

    /// The result of a step.
    package enum Step {
        case process(Int32)
        /// The scan moved to another cgroup.
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

    // A removed cgroup has no processes. Those of a threaded cgroup are listed in the domain cgroup above it.
    private mutating func recordFailure(_ error: SystemError) {
        switch error.number {
        case ENOENT, ENODEV, EOPNOTSUPP: break
        default: isPartial = true
        }
    }
}
