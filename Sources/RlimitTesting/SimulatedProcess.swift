import RlimitAgent
import RlimitKernel
import RlimitModel

/// A process of the real kernel, whose limits are kept here: the kernel is asked who it is, and never for its limits.
final class SimulatedProcess: TargetProcess {
    let pid: Int32
    private(set) var limits: Limits
    // nil where the kernel has no pidfds, or a container's filter of system calls does not know them.
    private let pidfd: Pidfd?
    // What to say where the kernel does not.
    private let credentials: Credentials

    init(pid: Int32, _ pidfd: consuming Pidfd?, _ credentials: Credentials, limits: Limits) {
        self.pid = pid
        self.pidfd = pidfd
        self.credentials = credentials
        self.limits = limits
    }

    var hasEnded: Bool {
        switch pidfd {
        case .some(let pidfd): pidfd.hasEnded
        case .none: false
        }
    }

    func identity() throws(RlimitError) -> ProcessCredentials? {
        switch pidfd {
        case .some(let pidfd):
            do throws(SystemError) { return try pidfd.processCredentials() } catch { throw rlimitError(error) }
        case .none: return ProcessCredentials(pid: pid, credentials: credentials)
        }
    }

    func birth() throws(RlimitError) -> ProcessIdentity {
        switch pidfd {
        case .some(let pidfd):
            do throws(SystemError) { return try pidfd.processIdentity() } catch { throw rlimitError(error) }
        // The table has one process of a number.
        case .none: return ProcessIdentity(pid: pid, .inode(0))
        }
    }

    func read(_ resource: Resource) throws(RlimitError) -> Limit { limits[resource] }

    func exchange(_ resource: Resource, for new: Limit) throws(RlimitError) -> Limit {
        let old = limits[resource]
        limits[resource] = new
        return old
    }

    func detail(_ parts: ProcessDetail.Parts) throws(RlimitError) -> ProcessDetail {
        do throws(SystemError) { return try Procfs.detail(of: pid, parts) } catch { throw rlimitError(error) }
    }

    func usage(_ scope: Usage.Scope) throws(RlimitError) -> Usage {
        do throws(SystemError) { return try Procfs.usage(of: pid, scope) } catch { throw rlimitError(error) }
    }

    func usage(ofThread thread: Int32) throws(RlimitError) -> Usage {
        do throws(SystemError) { return try Procfs.usage(ofThread: thread, in: pid) } catch { throw rlimitError(error) }
    }

    var isInChildUserNamespace: Bool { Procfs.isInChildUserNamespace(pid) }

    private func rlimitError(_ error: SystemError) -> RlimitError { RlimitError(error, about: "process \(pid)") }
}
