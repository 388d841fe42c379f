/// What came of one process of a cgroup or a pod.
package struct ProcessResult: Sendable, Equatable {
    /// In the caller's PID namespace; nil where it has no number there.
    package var pid: Int32?
    /// `.limits`, `.changes` or `.usage`, or why not.
    package var outcome: Result<Reply, RlimitError>

    package init(pid: Int32?, _ outcome: Result<Reply, RlimitError>) {
        self.pid = pid
        self.outcome = outcome
    }
}
