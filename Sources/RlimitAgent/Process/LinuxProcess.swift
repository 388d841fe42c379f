package import RlimitKernel
package import RlimitModel

/// A process, held by its pidfd.
package struct LinuxProcess: TargetProcess, ~Copyable {
    package let pid: Int32
    private let pidfd: Pidfd
    private let invariants = Invariants()

    /// Facts about a process that never change.
    private final class Invariants {
        /// Whether it was found not to be a kernel thread. No process becomes one.
        var isUserSpace = false
    }

    /// - Throws: `.noSuchProcess` if it has ended.
    package init(_ pidfd: consuming Pidfd) throws(RlimitError) {
        let identity: ProcessCredentials?
        do throws(SystemError) { identity = try pidfd.processCredentials() } catch {
            throw error.cause == .noAccess ? .hidden(nil) : RlimitError(error, about: "the process")
        }
        guard let identity else {
            // A zombie and a reaped process have ended; any other process has a pid in another namespace.
            throw pidfd.hasEnded ? .processEnded : .outsidePIDNamespace
        }
        pid = identity.pid
        self.pidfd = pidfd
    }

    /// The process that has this pid now, in the agent's PID namespace.
    package init(pid: Int32) throws(RlimitError) {
        let pidfd: Pidfd
        do throws(SystemError) { pidfd = try Pidfd.open(pid: pid) } catch {
            throw RlimitError(error, about: "process \(pid)")
        }
        try self.init(pidfd)
    }

    /// The process of a descriptor that a peer sent.
    ///
    /// - Throws: `.malformed` if there is no descriptor, or if it is not a pidfd of a process.
    package init(receivedPidfd descriptor: consuming FileDescriptor?) throws(RlimitError) {
        guard let descriptor else {
            throw RlimitError(.malformed, message: "the frame refers to a pidfd, and no descriptor came with it")
        }
        guard let pidfd = Pidfd(adopting: descriptor) else {
            throw RlimitError(.malformed, message: "the descriptor sent with the frame is not a pidfd of a process")
        }
        try self.init(pidfd)
    }

    /// For a poller: readable once the process has ended.
    var descriptor: Int32 { pidfd.descriptor.number }
    package var hasEnded: Bool { pidfd.hasEnded }
    package var isInChildUserNamespace: Bool { Procfs.isInChildUserNamespace(pid) }

    package func identity() throws(RlimitError) -> ProcessCredentials? {
        do throws(SystemError) { return try pidfd.processCredentials() } catch { throw procError(error) }
    }

    package func birth() throws(RlimitError) -> ProcessIdentity {
        do throws(SystemError) { return try pidfd.processIdentity() } catch { throw procError(error) }
    }

    package func read(_ resource: Resource) throws(RlimitError) -> Limit {
        do throws(SystemError) {
            return try ProcessLimits.read(resource, of: pid)
        } catch {
            throw rlimitError(error, resource)
        }
    }

    package func exchange(_ resource: Resource, for new: Limit) throws(RlimitError) -> Limit {
        do throws(SystemError) {
            return try ProcessLimits.exchange(resource, of: pid, for: new)
        } catch {
            throw rlimitError(error, resource)
        }
    }

    package var knownDetail: ProcessDetail { invariants.isUserSpace ? ProcessDetail(.kernelThread) : .none }

    package func detail(_ parts: ProcessDetail.Parts) throws(RlimitError) -> ProcessDetail {
        let known = knownDetail
        if known.parts.isSuperset(of: parts) { return known }
        do throws(SystemError) {
            let detail = try Procfs.detail(of: pid, parts)
            // Also right if the pid belonged to another process by then: this one has ended, so every later check of
            // its credentials fails.
            if parts.contains(.kernelThread), !detail.isKernelThread { invariants.isUserSpace = true }
            return detail
        } catch {
            throw procError(error)
        }
    }

    package func usage(_ scope: Usage.Scope) throws(RlimitError) -> Usage {
        do throws(SystemError) {
            return try Procfs.usage(
                of: pid, scope, countingSwitchesUpTo: Self.maxThreadsCounted, within: Self.maxThreadCountTime)
        } catch {
            throw procError(error)
        }
    }

    // Each thread has a file in /proc. Reading more of them takes longer than a turn.
    private static let maxThreadsCounted: UInt64 = 32
    // The kernel takes milliseconds for the file of a thread that is in 65536 groups.
    private static let maxThreadCountTime: Duration = .milliseconds(2)

    package func usage(ofThread thread: Int32) throws(RlimitError) -> Usage {
        do throws(SystemError) { return try Procfs.usage(ofThread: thread, in: pid) } catch { throw procError(error) }
    }

    /// The path of its cgroup. nil if it is in none.
    func cgroupPath() throws(RlimitError) -> String? {
        do throws(SystemError) { return try CgroupPath.read(of: pid) } catch { throw procError(error) }
    }

    /// The error for a file of this process in /proc that could not be read. A hidden process has not ended.
    func procError(_ error: SystemError) -> RlimitError {
        pidfd.isHiddenByProc(as: pid, after: error) ? .hidden(pid) : rlimitError(error)
    }

    private func rlimitError(_ error: SystemError, _ resource: Resource? = nil) -> RlimitError {
        RlimitError(error, about: "process \(pid)", resource: resource)
    }
}
