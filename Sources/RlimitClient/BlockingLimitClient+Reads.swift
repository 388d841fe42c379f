public import RlimitModel

extension BlockingLimitClient {
    /// One limit of a process.
    ///
    /// Asks prlimit(2), then /proc/PID/limits, then the agent.
    ///
    /// - Throws: `.noSuchProcess`; `.deniedByPolicy` where the agent too refuses; `.agentUnreachable` where the kernel
    ///   refuses and there is no agent; and the errors of the way to the agent.
    @available(*, noasync)
    public func limit(
        _ resource: Resource, of target: Target = .currentProcess
    ) throws(RlimitError) -> Limit {
        throw RlimitError(.unsupported)
    }

    /// All sixteen limits of a process.
    @available(*, noasync)
    public func limits(of target: Target = .currentProcess) throws(RlimitError) -> Limits {
        throw RlimitError(.unsupported)
    }

    /// What a process used, and how much of each limit is taken now.
    @available(*, noasync)
    public func usage(
        of target: Target = .currentProcess, _ scope: Usage.Scope = .process
    ) throws(RlimitError) -> Usage {
        throw RlimitError(.unsupported)
    }

    /// What one thread of a process used.
    @available(*, noasync)
    public func usage(ofThread thread: Int32, in target: Target = .currentProcess) throws(RlimitError) -> Usage {
        throw RlimitError(.unsupported)
    }

    /// The agent, and the caller as the agent sees it.
    @available(*, noasync)
    public func agentInfo() throws(RlimitError) -> AgentInfo { throw RlimitError(.unsupported) }

    /// What the agent has done since it started.
    @available(*, noasync)
    public func statistics() throws(RlimitError) -> Statistics { throw RlimitError(.unsupported) }
}
