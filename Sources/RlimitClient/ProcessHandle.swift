public import RlimitModel

/// A process and not its number: a pidfd, closed when the handle goes.
public struct ProcessHandle: ~Copyable, Sendable {
    private let descriptor: Int32

    /// Takes hold of a running process.
    public init(pid: Int32) throws(RlimitError) { throw RlimitError(.unsupported) }

    /// What to pass as `of:` and `on:`.
    public var target: Target { .pidfd(descriptor) }
}
