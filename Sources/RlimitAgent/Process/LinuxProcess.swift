package import RlimitKernel
package import RlimitModel

/// A process of the real kernel, held by its pidfd.
package struct LinuxProcess: TargetProcess, ~Copyable {
    package let pid: Int32
    private let pidfd: Pidfd
    private let invariants = Invariants()

    /// What of a process never changes.
    private final class Invariants {
        /// It was seen to be none of the kernel's own threads, which no process becomes.
        var isUserSpace = false
    }

    /// - Throws: `.noSuchProcess` if it has ended.
    package init(_ pidfd: consuming Pidfd) throws(RlimitError) {
        let identity: ProcessCredentials?
        do throws(SystemError) { identity = try pidfd.processCredentials() } catch {
            throw RlimitError(error, about: "the process")
        }
        guard let identity else { throw .processEnded }
        pid = identity.pid
        self.pidfd = pidfd
    }

    /// The process that has this number now, in the agent's PID namespace.
    package init(pid: Int32) throws(RlimitError) {
        let pidfd: Pidfd
        do throws(SystemError) { pidfd = try Pidfd.open(pid: pid) } catch {
            throw RlimitError(error, about: "process \(pid)")
        }
        try self.init(pidfd)
    }

    /// The process of a descriptor that a peer sent.
    ///
    /// - Throws: `.malformed` for no descriptor, or one that is no pidfd of a process.
    package init(receivedPidfd descriptor: consuming FileDescriptor?) throws(RlimitError) {
        guard let descriptor else {
            throw RlimitError(.malformed, message: "the frame speaks of a pidfd, and none came with it")
        }
        guard let pidfd = Pidfd(adopting: descriptor) else {
            throw RlimitError(.malformed, message: "the descriptor that came with the frame is no pidfd of a process")
        }
        try self.init(pidfd)
    }

    /// For a poller, to which it is readable once the process has ended.
    var descriptor: Int32 { pidfd.descriptor.number }
    package var hasEnded: Bool { pidfd.hasEnded }
    package var isInChildUserNamespace: Bool { Procfs.isInChildUserNamespace(pid) }

    package func identity() throws(RlimitError) -> ProcessCredentials? {
        do throws(SystemError) { return try pidfd.processCredentials() } catch { throw rlimitError(error) }
    }

    package func birth() throws(RlimitError) -> ProcessIdentity {
        do throws(SystemError) { return try pidfd.processIdentity() } catch { throw rlimitError(error) }
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
            // Had the number been another's by then, this one would have ended, and is asked about no more.
            if parts.contains(.kernelThread), !detail.isKernelThread { invariants.isUserSpace = true }
            return detail
        } catch {
            throw rlimitError(error)
        }
    }

    package func usage(_ scope: Usage.Scope) throws(RlimitError) -> Usage {
        do throws(SystemError) {
            return try Procfs.usage(
                of: pid, scope, countingSwitchesUpTo: Self.maxThreadsCounted, within: Self.maxThreadCountTime)
        } catch {
            throw rlimitError(error)
        }
    }

    // Each is a file of /proc; more than these take more than a turn.
    private static let maxThreadsCounted: UInt64 = 32
    // Nor may these: the file of a thread that is in 65536 groups takes the kernel milliseconds.
    private static let maxThreadCountTime: Duration = .milliseconds(2)

    package func usage(ofThread thread: Int32) throws(RlimitError) -> Usage {
        do throws(SystemError) { return try Procfs.usage(ofThread: thread, in: pid) } catch { throw rlimitError(error) }
    }

    private func rlimitError(_ error: SystemError, _ resource: Resource? = nil) -> RlimitError {
        RlimitError(error, about: "process \(pid)", resource: resource)
    }
}
