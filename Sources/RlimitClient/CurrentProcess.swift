public import RlimitModel

/// The calling process, by system calls alone: no agent, no connection, no state.
public enum CurrentProcess {
    /// One limit of this process (getrlimit(2)).
    public static func limit(_ resource: Resource) throws(RlimitError) -> Limit { throw RlimitError(.unsupported) }

    /// All sixteen limits of this process.
    public static func limits() throws(RlimitError) -> Limits { throw RlimitError(.unsupported) }

    /// Makes one edit as far as the kernel allows.
    @discardableResult
    public static func apply(_ edit: Edit) throws(RlimitError) -> Change { throw RlimitError(.unsupported) }

    /// Makes edits of distinct resources, all or none.
    @discardableResult
    public static func apply(_ edits: [Edit]) throws(RlimitError) -> [Change] { throw RlimitError(.unsupported) }

    /// What this process used.
    public static func usage(_ scope: Usage.Scope = .process) throws(RlimitError) -> Usage {
        throw RlimitError(.unsupported)
    }

    /// What the calling thread used.
    @available(*, noasync, message: "a task moves between threads")
    public static func threadUsage() throws(RlimitError) -> Usage { throw RlimitError(.unsupported) }

    /// How many bytes a page of memory has.
    public static var pageSize: Int { 4096 }
}
