import RlimitKernel
public import RlimitModel

/// A handle of a process. While it exists, its target means this process, even if the kernel reuses the pid.
///
/// It owns a pidfd (pidfd_open(2)), which it closes when it is destroyed.
///
/// ```swift
/// let child = try ProcessHandle(pid: pid)
/// try client.raise(.openFiles, to: 65_536, on: child.target)
/// ```
public struct ProcessHandle: ~Copyable, Sendable {
    private let pidfd: Pidfd

    /// Opens the process that has this pid now, in the caller's PID namespace. pidfd_open(2).
    ///
    /// The pid of a process other than a child of the caller may have been reused before the call.
    ///
    /// - Throws: `.noSuchProcess`; `.invalidArgument` for 0 and negative numbers; `.unsupported` before Linux 5.3.
    public init(pid: Int32) throws(RlimitError) {
        guard pid > 0 else { throw .notAProcessID(pid) }
        do throws(SystemError) {
            pidfd = try Pidfd.open(pid: pid, allowingInit: true)
        } catch {
            throw RlimitError(error, holding: pid)
        }
    }

    /// The target to pass as `of:` and `on:`. It is valid while the handle exists.
    public var target: Target { .pidfd(pidfd.descriptor.number) }
}
