import RlimitKernel
package import RlimitModel

// Past the kernel, and without a pidfd: about another process by its number in the agent's PID namespace. For measurements;
// applications name processes by `Target`, which are held while they are asked about.

extension BlockingLimitClient {
    /// Asks the agent just this.
    ///
    /// - Throws: What the agent answered, and what can befall any call to it.
    @available(*, noasync)
    package func ask(_ operation: Request.Operation) throws(RlimitError) -> Reply {
        try link.call(Inquiry(operation), until: deadline)
    }

    /// Asks the agent just this, and takes one limit from what it tells.
    ///
    /// - Throws: The same.
    @available(*, noasync)
    package func ask(_ operation: Request.Operation, for resource: Resource) throws(RlimitError) -> Limit {
        try link.ask(LimitQuestion(resource, Inquiry(operation)), until: deadline)
    }
}

extension LimitClient {
    /// Asks the agent just this.
    ///
    /// - Throws: What the agent answered, and what can befall any call to it.
    package func ask(_ operation: Request.Operation) async throws(RlimitError) -> Reply {
        try await link.call(Inquiry(operation), until: deadline)
    }

    /// Asks the agent just this, and takes one limit from what it tells.
    ///
    /// - Throws: The same.
    package func ask(_ operation: Request.Operation, for resource: Resource) async throws(RlimitError) -> Limit {
        try await link.ask(LimitQuestion(resource, Inquiry(operation)), until: deadline)
    }
}
