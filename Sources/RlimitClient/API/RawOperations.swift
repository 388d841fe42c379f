import RlimitKernel
package import RlimitModel

// Requests to the agent without the kernel and without a pidfd: the agent looks up pids in its own PID namespace. For
// benchmarks. Applications name processes by a `Target`, which stays pinned during the call.

extension BlockingLimitClient {
    /// Sends one operation to the agent.
    ///
    /// - Throws: The agent's error, and the errors of every call to the agent.
    @available(*, noasync)
    package func perform(_ operation: Request.Operation) throws(RlimitError) -> Reply {
        try sharedConnection.exchange(AgentRequest(operation), until: deadline)
    }

    /// Sends one operation to the agent, and returns one limit of the response.
    ///
    /// - Throws: As `perform(_:)`.
    @available(*, noasync)
    package func perform(_ operation: Request.Operation, for resource: Resource) throws(RlimitError) -> Limit {
        try sharedConnection.perform(LimitCall(resource, AgentRequest(operation)), until: deadline)
    }
}

extension LimitClient {
    /// Sends one operation to the agent.
    ///
    /// - Throws: The agent's error, and the errors of every call to the agent.
    package func perform(_ operation: Request.Operation) async throws(RlimitError) -> Reply {
        try await sharedConnection.exchange(AgentRequest(operation), until: deadline)
    }

    /// Sends one operation to the agent, and returns one limit of the response.
    ///
    /// - Throws: As `perform(_:)`.
    package func perform(_ operation: Request.Operation, for resource: Resource) async throws(RlimitError) -> Limit {
        try await sharedConnection.perform(LimitCall(resource, AgentRequest(operation)), until: deadline)
    }
}
