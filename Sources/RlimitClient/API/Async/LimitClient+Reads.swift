import RlimitKernel
public import RlimitModel

extension LimitClient {
    /// Returns one limit of a process, in the unit of the resource. prlimit(2), proc_pid_limits(5).
    ///
    /// - Throws: `.noSuchProcess`; `.agentUnreachable` if the kernel refuses and no agent answers; `.deniedByPolicy` if
    ///   the agent refuses too; and the errors of every call to the agent: `.untrustedSocket`, `.deadlineExceeded`,
    ///   `.connectionLost`, `.cancelled`, `.rateLimited`, `.malformed`.
    public func limit(_ resource: Resource, of target: Target = .currentProcess) async throws(RlimitError) -> Limit {
        let deadline = deadline
        let resolvedTarget = try ResolvedTarget(target)
        if let limit = try resolvedTarget.limit(resource, strategy) { return limit }
        return try await sharedConnection.perform(LimitCall(resource, of: resolvedTarget), until: deadline)
    }

    /// Returns all sixteen limits of a process, each in the unit of its resource. prlimit(2), proc_pid_limits(5).
    ///
    /// - Throws: As `limit(_:of:)`.
    public func limits(of target: Target = .currentProcess) async throws(RlimitError) -> Limits {
        let deadline = deadline
        let resolvedTarget = try ResolvedTarget(target)
        if let limits = try resolvedTarget.limits(.all, strategy) { return limits }
        return try await sharedConnection.perform(LimitsCall(.all, of: resolvedTarget), until: deadline)
    }

    /// Returns what a process has used, and its current use of each limit. getrusage(2) for the calling process,
    /// proc_pid_stat(5) and other files of /proc for other processes.
    ///
    /// Times are durations, sizes are in bytes, and the others are counts. A value that the kernel does not show is
    /// nil, never zero.
    ///
    /// - Parameters:
    ///   - scope: The process, its children that have ended and were waited for, or the sum of both.
    /// - Throws: As `limit(_:of:)`.
    public func usage(
        of target: Target = .currentProcess, _ scope: Usage.Scope = .process
    ) async throws(RlimitError) -> Usage {
        let deadline = deadline
        let resolvedTarget = try ResolvedTarget(target)
        if let usage = try resolvedTarget.usage(scope, strategy) { return usage }
        return try await sharedConnection.perform(UsageCall(scope, of: resolvedTarget), until: deadline)
    }

    /// Returns what one thread of a process has used. getrusage(2) with RUSAGE_THREAD for the calling thread, otherwise
    /// proc_pid_task(5).
    ///
    /// - Parameters:
    ///   - thread: A thread id, as gettid(2) returns it. The agent looks it up in its own PID namespace.
    /// - Throws: As `limit(_:of:)`; `.noSuchProcess` if the process has no such thread.
    public func usage(ofThread thread: Int32, in target: Target = .currentProcess) async throws(RlimitError) -> Usage {
        let deadline = deadline
        let resolvedTarget = try ResolvedTarget(target)
        if let usage = try resolvedTarget.usage(ofThread: thread, strategy) { return usage }
        return try await sharedConnection.perform(UsageCall(thread: thread, of: resolvedTarget), until: deadline)
    }

    /// Returns the agent's version and features, and the caller as the agent identifies it.
    ///
    /// - Throws: `.agentUnreachable`, `.untrustedSocket`, `.deadlineExceeded`, `.connectionLost`, `.cancelled`,
    ///   `.rateLimited`, `.malformed`.
    public func agentInfo() async throws(RlimitError) -> AgentInfo {
        try await sharedConnection.perform(AgentInfoCall(), until: deadline)
    }

    /// Returns the agent's counters since its start. A rule must permit the caller to read them.
    ///
    /// - Throws: `.deniedByPolicy`, and as `agentInfo()`.
    public func statistics() async throws(RlimitError) -> Statistics {
        try await sharedConnection.perform(StatisticsCall(), until: deadline)
    }
}
