internal import Glibc

/// The processes of a cgroup and of those below it, a step at a time: there may be thousands, and more may appear and
/// others go while they are looked through.
package struct CgroupScan: ~Copyable {
    // From the cgroup that was asked for down to the one whose processes are being read.
    private var folders: [CgroupFolder]
    private var members: CgroupMembers?
    /// Something in it could not be read, so that processes may be missing.
    package private(set) var isPartial = false

    /// Each level is a descriptor as long as the scan lasts; systemd and container runtimes make half as many.
    package static let greatestDepth = 16

    /// - Parameter path: As /proc/PID/cgroup has it.
    /// - Throws: ENOENT where there is no such cgroup.
    package init(of path: String) throws(SystemError) {
        folders = [try CgroupFolder.open(path)]
        openMembers()
    }

    /// What one step came to.
    package enum Step {
        case process(Int32)
        /// On to another cgroup.
        case moved
        case end
    }

    package mutating func step() -> Step {
        if let members {
            do throws(SystemError) {
                if let pid = try members.next() { return .process(pid) }
            } catch {
                note(error)
            }
            self.members = nil
        }
        guard let folder = folders.last else { return .end }
        do throws(SystemError) {
            if let below = try folder.next() {
                if folders.count < Self.greatestDepth {
                    folders.append(below)
                    openMembers()
                } else {
                    isPartial = true
                }
                return .moved
            }
        } catch {
            note(error)
        }
        folders.removeLast()
        return .moved
    }

    private mutating func openMembers() {
        do throws(SystemError) { members = try folders.last?.members() } catch { note(error) }
    }

    // A cgroup that was removed has no processes; a threaded one has none of its own, they are counted further up.
    private mutating func note(_ error: SystemError) {
        switch error.number {
        case ENOENT, ENODEV, EOPNOTSUPP: break
        default: isPartial = true
        }
    }
}
