import RlimitKernel
package import RlimitModel

// Past the kernel, and without a pidfd: about another process by its number in the agent's PID namespace. For measurements;
// applications name processes by `Target`, which are held while they are asked about.

extension BlockingLimitClient {
    /// Asks the agent just this.
    ///
    /// - Throws: What the agent answered, and what can befall any call to it.
    @available(*, noasync)
    package func perform(_ operation: Request.Operation) throws(RlimitError) -> Reply {
        try sharedConnection.exchange(AgentRequest(operation), until: deadline)
    }

    /// Asks the agent just this, and takes one limit from what it tells.
    ///
    /// - Throws: The same.
    @available(*, noasync)
    package func perform(_ operation: Request.Operation, for resource: Resource) throws(RlimitError) -> Limit {
        try sharedConnection.perform(LimitCall(resource, AgentRequest(operation)), until: deadline)
    }
}

extension LimitClient {
    /// Asks the agent just this.
    ///
    /// - Throws: What the agent answered, and what can befall any call to it.
    package func perform(_ operation: Request.Operation) async throws(RlimitError) -> Reply {
        try await sharedConnection.exchange(AgentRequest(operation), until: deadline)
    }

    /// Asks the agent just this, and takes one limit from what it tells.
    ///
    /// - Throws: The same.
    package func perform(_ operation: Request.Operation, for resource: Resource) async throws(RlimitError) -> Limit {
        try await sharedConnection.perform(LimitCall(resource, AgentRequest(operation)), until: deadline)
    }
}
