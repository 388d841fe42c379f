import RlimitKernel
package import RlimitModel

extension BlockingLimitClient {
    /// Asks the agent just this, past the kernel, and without a pidfd: about another process by its number in the agent's PID
    /// namespace. For measurements; applications name processes by `Target`, which are held while they are asked about.
    ///
    /// - Throws: What the agent answered, and what can befall any call to it.
    @available(*, noasync)
    package func ask(_ operation: Request.Operation) throws(RlimitError) -> Reply {
        try link.call(Inquiry(operation), until: deadline)
    }
}
