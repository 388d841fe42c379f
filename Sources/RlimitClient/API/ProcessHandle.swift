import RlimitKernel
public import RlimitModel

/// A process and not its number: while the handle is held its target means this very process, though its number may be
/// given to another once it has ended. Owns a pidfd (pidfd_open(2)), which is closed when the handle goes.
///
/// ```swift
/// let child = try ProcessHandle(pid: pid)
/// try client.raise(.openFiles, to: 65_536, on: child.target)
/// ```
public struct ProcessHandle: ~Copyable, Sendable {
    private let pidfd: Pidfd

    /// Takes hold of the process that has this number now, in the PID namespace of the caller. For a process other than a
    /// child of ours the number may have been reused before that.
    ///
    /// - Throws: `.noSuchProcess`; `.invalidArgument` for 0 and below; `.unsupported` before Linux 5.3.
    public init(pid: Int32) throws(RlimitError) {
        guard pid > 0 else { throw RlimitError(.invalidArgument, message: "\(pid) is no process id") }
        do throws(SystemError) {
            pidfd = try Pidfd.open(pid: pid, allowingInit: true)
        } catch {
            throw RlimitError(error, holding: pid)
        }
    }

    /// What to pass as `of:` and `on:`, for as long as the handle is held.
    public var target: Target { .pidfd(pidfd.descriptor.number) }
}
