/// Which process.
@nonexhaustive
public enum Target: Hashable, Sendable {
    /// The one that calls.
    case currentProcess
    /// A process id in the caller's own PID namespace. A number can be reused; `ProcessHandle` cannot.
    case process(Int32)
    /// A pidfd that the caller has open, as pidfd_open(2) gives it.
    case pidfd(Int32)
}
