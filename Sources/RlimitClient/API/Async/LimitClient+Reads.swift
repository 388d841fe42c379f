import RlimitKernel
public import RlimitModel

extension LimitClient {
    /// One limit of a process, in the unit of the resource. prlimit(2), proc_pid_limits(5).
    ///
    /// - Throws: `.noSuchProcess`; `.agentUnreachable` where the kernel does not tell and there is no agent;
    ///   `.deniedByPolicy` where the agent does not tell either; and what can befall any call to the agent:
    ///   `.untrustedSocket`, `.deadlineExceeded`, `.connectionLost`, `.cancelled`, `.rateLimited`, `.malformed`.
    public func limit(_ resource: Resource, of target: Target = .currentProcess) async throws(RlimitError) -> Limit {
        let deadline = deadline
        let resolvedTarget = try ResolvedTarget(target)
        if let limit = try resolvedTarget.limit(resource, strategy) { return limit }
        return try await sharedConnection.perform(LimitCall(resource, of: resolvedTarget), until: deadline)
    }

    /// All sixteen limits of a process, each in the unit of its resource. prlimit(2), proc_pid_limits(5).
    ///
    /// - Throws: As `limit(_:of:)`.
    public func limits(of target: Target = .currentProcess) async throws(RlimitError) -> Limits {
        let deadline = deadline
        let resolvedTarget = try ResolvedTarget(target)
        if let limits = try resolvedTarget.limits(.all, strategy) { return limits }
        return try await sharedConnection.perform(LimitsCall(.all, of: resolvedTarget), until: deadline)
    }

    /// What a process used, and how much of each limit is taken now: times, bytes and counts; nil is not shown, never
    /// zero. getrusage(2) for the calling process, proc_pid_stat(5) and its like for others.
    ///
    /// - Parameters:
    ///   - scope: The process, its children that ended and were waited for, or both together.
    /// - Throws: As `limit(_:of:)`.
    public func usage(
        of target: Target = .currentProcess, _ scope: Usage.Scope = .process
    ) async throws(RlimitError) -> Usage {
        let deadline = deadline
        let resolvedTarget = try ResolvedTarget(target)
        if let usage = try resolvedTarget.usage(scope, strategy) { return usage }
        return try await sharedConnection.perform(UsageCall(scope, of: resolvedTarget), until: deadline)
    }

    /// What one thread of a process used. getrusage(2) with RUSAGE_THREAD for the calling thread, else proc_pid_task(5).
    ///
    /// - Parameters:
    ///   - thread: As gettid(2) gives it. The agent takes it for a number of its own PID namespace.
    /// - Throws: As `limit(_:of:)`; `.noSuchProcess` where it is no thread of that process.
    public func usage(ofThread thread: Int32, in target: Target = .currentProcess) async throws(RlimitError) -> Usage {
        let deadline = deadline
        let resolvedTarget = try ResolvedTarget(target)
        if let usage = try resolvedTarget.usage(ofThread: thread, strategy) { return usage }
        return try await sharedConnection.perform(UsageCall(thread: thread, of: resolvedTarget), until: deadline)
    }

    /// The agent, and the caller as the agent sees it.
    ///
    /// - Throws: `.agentUnreachable`, `.untrustedSocket`, `.deadlineExceeded`, `.connectionLost`, `.cancelled`,
    ///   `.rateLimited`, `.malformed`.
    public func agentInfo() async throws(RlimitError) -> AgentInfo {
        try await sharedConnection.perform(AgentInfoCall(), until: deadline)
    }

    /// What the agent has done since it started, for those whom a rule lets see that.
    ///
    /// - Throws: `.deniedByPolicy`, and as `agentInfo()`.
    public func statistics() async throws(RlimitError) -> Statistics {
        try await sharedConnection.perform(StatisticsCall(), until: deadline)
    }
}
