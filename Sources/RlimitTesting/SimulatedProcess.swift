import RlimitAgent
import RlimitKernel
import RlimitModel

/// A process of the real kernel with simulated limits. The kernel is asked who it is, and never for its limits.
final class SimulatedProcess: TargetProcess {
    let pid: Int32
    private(set) var limits: Limits
    private let source: Source

    /// Who says what the process is.
    private enum Source: ~Copyable {
        case kernel(LinuxProcess)
        /// The kernel has no pidfds, or the seccomp filter of a container rejects pidfd_open(2): the credentials of the
        /// peer.
        case peer(Credentials)
    }

    init(_ process: consuming LinuxProcess, limits: Limits) {
        pid = process.pid
        self.limits = limits
        source = .kernel(process)
    }

    init(pid: Int32, _ credentials: Credentials, limits: Limits) {
        self.pid = pid
        self.limits = limits
        source = .peer(credentials)
    }

    var hasEnded: Bool {
        switch source {
        case .kernel(let process): process.hasEnded
        case .peer: false
        }
    }

    func identity() throws(RlimitError) -> ProcessCredentials? {
        switch source {
        case .kernel(let process): try process.identity()
        case .peer(let credentials): ProcessCredentials(pid: pid, credentials: credentials)
        }
    }

    /// Whether a caller's target is this process. Without pidfds, the agent cannot tell one from another.
    func isIdentified(by target: Request.IdentifiedPID) throws(RlimitError) -> Bool {
        switch source {
        case .kernel(let process): try process.birth().isIdentified(by: target)
        case .peer: true
        }
    }

    func birth() throws(RlimitError) -> ProcessIdentity {
        switch source {
        case .kernel(let process): try process.birth()
        // The process table holds one process for a pid.
        case .peer: ProcessIdentity(pid: pid, .inode(0))
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

    // Reads the files of all threads at once, which rlimitd spreads over several turns.
    func usage(_ scope: Usage.Scope) throws(RlimitError) -> Usage {
        do throws(SystemError) { return try Procfs.usage(of: pid, scope) } catch { throw rlimitError(error) }
    }

    func usage(ofThread thread: Int32) throws(RlimitError) -> Usage {
        do throws(SystemError) { return try Procfs.usage(ofThread: thread, in: pid) } catch { throw rlimitError(error) }
    }

    var isInChildUserNamespace: Bool { Procfs.isInChildUserNamespace(pid) }

    private func rlimitError(_ error: SystemError) -> RlimitError { RlimitError(error, about: "process \(pid)") }
}
