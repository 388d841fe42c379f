package import RlimitKernel
package import RlimitModel

/// What the agent does with one process. A protocol, so that the sequence of a change can be tested against a process that
/// ends, or becomes another user's, at any step of it.
package protocol TargetProcess: ~Copyable {
    /// Its number in the agent's PID namespace.
    ///
    /// prlimit(2) takes no pidfd, and a pidfd does not keep the number from being used again: whatever is done by number is
    /// looked at once more through `identity()`.
    var pid: Int32 { get }
    /// Who it is now; nil once it has ended or is ending.
    func identity() throws(RlimitError) -> ProcessCredentials?
    /// What tells it from every other, also for an agent after this one.
    func birth() throws(RlimitError) -> ProcessIdentity
    /// Its limit of one resource, by number.
    func read(_ resource: Resource) throws(RlimitError) -> Limit
    /// Sets both halves, by number, and returns what they were.
    func exchange(_ resource: Resource, for new: Limit) throws(RlimitError) -> Limit
    /// What is known of it beyond the ids, and never changes, without asking anybody.
    var knownDetail: ProcessDetail { get }
    /// What rules may ask beyond the ids.
    func detail(_ parts: ProcessDetail.Parts) throws(RlimitError) -> ProcessDetail
    func usage(_ scope: Usage.Scope) throws(RlimitError) -> Usage
    func usage(ofThread thread: Int32) throws(RlimitError) -> Usage
    /// Whether a user namespace holds counts per user down, whatever the limit says (Linux 5.14).
    var isInChildUserNamespace: Bool { get }
}

extension TargetProcess where Self: ~Copyable {
    package var knownDetail: ProcessDetail { .none }

    func read(_ resources: ResourceSet) throws(RlimitError) -> Limits {
        var limits = Limits()
        for resource in resources { limits[resource] = try read(resource) }
        return limits
    }

    /// Who it is now, if it is still the process that was found under this number.
    func livingIdentity() throws(RlimitError) -> ProcessCredentials {
        guard let identity = try identity(), identity.pid == pid else { throw .processEnded }
        return identity
    }
}
