/// The process that a call concerns.
@nonexhaustive
public enum Target: Hashable, Sendable {
    /// The calling process.
    case currentProcess
    /// A process id in the caller's own PID namespace. The kernel can reuse a process id; a `ProcessHandle` stays with
    /// its process.
    case process(Int32)
    /// An open pidfd of the caller, from pidfd_open(2).
    case pidfd(Int32)
}
