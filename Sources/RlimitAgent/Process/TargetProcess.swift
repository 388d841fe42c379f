package import RlimitKernel
package import RlimitModel

/// The operations of the agent on one process. A protocol, so that tests can make the process end, or become another
/// user's, at any step of a change.
package protocol TargetProcess: ~Copyable {
    /// The pid in the agent's PID namespace.
    ///
    /// prlimit(2) takes no pidfd, and a pidfd does not keep the pid from being reused. After each operation by pid, the
    /// caller checks `identity()`.
    var pid: Int32 { get }
    /// The credentials now; nil once it has ended or is ending.
    func identity() throws(RlimitError) -> ProcessCredentials?
    /// The identity that no other process ever has. It stays valid when the agent restarts.
    func birth() throws(RlimitError) -> ProcessIdentity
    /// The limit of one resource, read by pid.
    func read(_ resource: Resource) throws(RlimitError) -> Limit
    /// Sets a soft and a hard limit, by pid, and returns the previous ones.
    func exchange(_ resource: Resource, for new: Limit) throws(RlimitError) -> Limit
    /// The details that are known without a system call, because they never change.
    var knownDetail: ProcessDetail { get }
    /// The details that rules match besides the credentials.
    func detail(_ parts: ProcessDetail.Parts) throws(RlimitError) -> ProcessDetail
    func usage(_ scope: Usage.Scope) throws(RlimitError) -> Usage
    func usage(ofThread thread: Int32) throws(RlimitError) -> Usage
    /// Whether it is in a child user namespace, where counts per user may be capped below the limit (Linux 5.14).
    var isInChildUserNamespace: Bool { get }
}

extension TargetProcess where Self: ~Copyable {
    package var knownDetail: ProcessDetail { .none }

    func read(_ resources: ResourceSet) throws(RlimitError) -> Limits {
        var limits = Limits()
        for resource in resources { limits[resource] = try read(resource) }
        return limits
    }

    /// The credentials now.
    ///
    /// - Throws: `.noSuchProcess` if the pid does not belong to this process any more.
    func livingIdentity() throws(RlimitError) -> ProcessCredentials {
        guard let identity = try identity(), identity.pid == pid else { throw .processEnded }
        return identity
    }
}
