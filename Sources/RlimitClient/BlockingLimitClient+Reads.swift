import RlimitKernel
public import RlimitModel

extension BlockingLimitClient {
    /// One limit of a process, in the unit of the resource. prlimit(2), proc_pid_limits(5).
    ///
    /// - Throws: `.noSuchProcess`; `.agentUnreachable` where the kernel does not tell and there is no agent;
    ///   `.deniedByPolicy` where the agent does not tell either; and what can befall any call to the agent:
    ///   `.untrustedSocket`, `.deadlineExceeded`, `.connectionLost`, `.rateLimited`, `.malformed`.
    @available(*, noasync)
    public func limit(
        _ resource: Resource, of target: Target = .currentProcess
    ) throws(RlimitError) -> Limit {
        let deadline = deadline
        return try limits(ResourceSet(CollectionOfOne(resource)), of: Subject(target), until: deadline)[resource]
    }

    /// All sixteen limits of a process, each in the unit of its resource. prlimit(2), proc_pid_limits(5).
    ///
    /// - Throws: As `limit(_:of:)`.
    @available(*, noasync)
    public func limits(of target: Target = .currentProcess) throws(RlimitError) -> Limits {
        let deadline = deadline
        return try limits(.all, of: Subject(target), until: deadline)
    }

    /// What a process used, and how much of each limit is taken now: times, bytes and counts; nil is not shown, never
    /// zero. getrusage(2) for the calling process, proc_pid_stat(5) and its like for others.
    ///
    /// - Parameters:
    ///   - scope: The process, its children that ended and were waited for, or both together.
    /// - Throws: As `limit(_:of:)`.
    @available(*, noasync)
    public func usage(
        of target: Target = .currentProcess, _ scope: Usage.Scope = .process
    ) throws(RlimitError) -> Usage {
        let deadline = deadline
        let subject = try Subject(target)
        if strategy == .kernelFirst, let usage = try subject.usage(scope) { return usage }
        return try usage(.usage(subject.whom, scope), subject, until: deadline)
    }

    /// What one thread of a process used. getrusage(2) with RUSAGE_THREAD for the calling thread, else proc_pid_task(5).
    ///
    /// - Parameters:
    ///   - thread: As gettid(2) gives it. The agent takes it for a number of its own PID namespace.
    /// - Throws: As `limit(_:of:)`; `.noSuchProcess` where it is no thread of that process.
    @available(*, noasync)
    public func usage(ofThread thread: Int32, in target: Target = .currentProcess) throws(RlimitError) -> Usage {
        let deadline = deadline
        let subject = try Subject(target)
        guard thread > 0 else { throw RlimitError(.invalidArgument, message: "\(thread) is no thread id") }
        if strategy == .kernelFirst, let usage = try subject.usage(ofThread: thread) { return usage }
        return try usage(.threadUsage(subject.whom, thread: thread), subject, until: deadline)
    }

    /// The agent, and the caller as the agent sees it.
    ///
    /// - Throws: `.agentUnreachable`, `.untrustedSocket`, `.deadlineExceeded`, `.connectionLost`, `.rateLimited`,
    ///   `.malformed`.
    @available(*, noasync)
    public func agentInfo() throws(RlimitError) -> AgentInfo {
        guard case .serverInfo(let info) = try link.call(.serverInfo, until: deadline) else { throw otherAnswer }
        return info
    }

    /// What the agent has done since it started, for those whom a rule lets see that.
    ///
    /// - Throws: `.deniedByPolicy`, and as `agentInfo()`.
    @available(*, noasync)
    public func statistics() throws(RlimitError) -> Statistics {
        guard case .stats(let statistics) = try link.call(.stats, until: deadline) else { throw otherAnswer }
        return statistics
    }
}

extension BlockingLimitClient {
    /// When a call that begins now must have ended.
    var deadline: ContinuousClock.Instant? {
        // Beyond that nobody waits, and the sum stays in range.
        timeout.map { ContinuousClock.now.advanced(by: min($0, .seconds(1_000_000_000))) }
    }

    /// The agent answered, but not what it was asked.
    var otherAnswer: RlimitError {
        RlimitError(.malformed, message: "the agent at \(link.socket) answered something else than it was asked")
    }

    /// By the kernel, by /proc, or by the agent.
    func limits(
        _ resources: ResourceSet, of subject: borrowing Subject, until deadline: ContinuousClock.Instant?
    ) throws(RlimitError) -> Limits {
        if strategy == .kernelFirst {
            if let limits = try subject.readIfOwned(resources) { return limits }
            if let limits = try subject.readShown() { return limits }
        }
        let reply = try link.call(.get(subject.whom, resources), pidfd: subject.attachment, until: deadline)
        guard case .limits(let told, let limits) = reply, resources.allSatisfy(told.contains) else {
            throw otherAnswer
        }
        return limits
    }

    private func usage(
        _ operation: Request.Operation, _ subject: borrowing Subject, until deadline: ContinuousClock.Instant?
    ) throws(RlimitError) -> Usage {
        let reply = try link.call(operation, pidfd: subject.attachment, until: deadline)
        guard case .usage(let usage) = reply else { throw otherAnswer }
        return usage
    }
}
