import RlimitKernel
import RlimitModel

/// A process of the real kernel, held by its pidfd.
struct KernelProcess: TargetProcess, ~Copyable {
    let pid: Int32
    private let pidfd: Pidfd
    private let nature = Nature()

    /// What of a process never changes.
    private final class Nature {
        /// It was seen to be none of the kernel's own threads, which no process becomes.
        var isOfUserSpace = false
    }

    /// - Throws: `.noSuchProcess` if it has ended.
    init(_ pidfd: consuming Pidfd) throws(RlimitError) {
        let identity: Identity?
        do throws(SystemError) { identity = try pidfd.identity() } catch {
            throw RlimitError(error, about: "the process")
        }
        guard let identity else { throw RlimitError(.noSuchProcess, message: "no such process: it has ended") }
        pid = identity.pid
        self.pidfd = pidfd
    }

    /// The process that has this number now, in the agent's PID namespace.
    init(pid: Int32) throws(RlimitError) {
        let pidfd: Pidfd
        do throws(SystemError) { pidfd = try Pidfd.open(pid: pid) } catch {
            throw RlimitError(error, about: "process \(pid)")
        }
        try self.init(pidfd)
    }

    /// The process of a descriptor that a peer sent.
    ///
    /// - Throws: `.malformed` for no descriptor, or one that is no pidfd of a process.
    init(attached descriptor: consuming FileDescriptor?) throws(RlimitError) {
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
    var hasEnded: Bool { pidfd.hasEnded }
    var isInChildUserNamespace: Bool { Procfs.isInChildUserNamespace(pid) }

    func identity() throws(RlimitError) -> Identity? {
        do throws(SystemError) { return try pidfd.identity() } catch { throw refusal(error) }
    }

    func birth() throws(RlimitError) -> ProcessBirth {
        do throws(SystemError) { return try pidfd.birth() } catch { throw refusal(error) }
    }

    func read(_ resource: Resource) throws(RlimitError) -> Limit {
        do throws(SystemError) {
            return try ProcessLimits.read(resource, of: pid)
        } catch {
            throw refusal(error, resource)
        }
    }

    func exchange(_ resource: Resource, for new: Limit) throws(RlimitError) -> Limit {
        do throws(SystemError) {
            return try ProcessLimits.exchange(resource, of: pid, for: new)
        } catch {
            throw refusal(error, resource)
        }
    }

    var knownDetail: ProcessDetail { nature.isOfUserSpace ? ProcessDetail(.kernelThread) : .none }

    func detail(_ parts: ProcessDetail.Parts) throws(RlimitError) -> ProcessDetail {
        let known = knownDetail
        if known.parts.isSuperset(of: parts) { return known }
        do throws(SystemError) {
            let detail = try Procfs.detail(of: pid, parts)
            // Had the number been another's by then, this one would have ended, and is asked about no more.
            if parts.contains(.kernelThread), !detail.isKernelThread { nature.isOfUserSpace = true }
            return detail
        } catch {
            throw refusal(error)
        }
    }

    func usage(_ scope: Usage.Scope) throws(RlimitError) -> Usage {
        do throws(SystemError) {
            return try Procfs.usage(
                of: pid, scope, countingSwitchesUpTo: Self.threadsCountedAtOnce, within: Self.timeToCountThreads)
        } catch {
            throw refusal(error)
        }
    }

    // Each is a file of /proc; more than these take more than a turn.
    private static let threadsCountedAtOnce: UInt64 = 32
    // Nor may these: the file of a thread that is in 65536 groups takes the kernel milliseconds.
    private static let timeToCountThreads: Duration = .milliseconds(2)

    func usage(ofThread thread: Int32) throws(RlimitError) -> Usage {
        do throws(SystemError) { return try Procfs.usage(ofThread: thread, in: pid) } catch { throw refusal(error) }
    }

    private func refusal(_ error: SystemError, _ resource: Resource? = nil) -> RlimitError {
        RlimitError(error, about: "process \(pid)", resource: resource)
    }
}
