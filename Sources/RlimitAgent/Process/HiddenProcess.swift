import RlimitKernel
import RlimitModel

/// Errors about living processes that the agent cannot see.
extension RlimitError {
    /// /proc hides the process from the agent.
    static func hidden(_ pid: Int32?, _ resource: Resource? = nil) -> RlimitError {
        RlimitError(
            .deniedByKernel, errno: SystemError.hiddenByProc.number,
            message:
                "\(pid.map { "process \($0)" } ?? "the process") lives, and /proc hides it from the agent (hidepid); "
                + ProcMount.remedy,
            resource: resource)
    }

    /// The process of a pidfd has no pid in the agent's PID namespace.
    static let outsidePIDNamespace = RlimitError(
        .deniedByKernel,
        message:
            "the process lives, and has no pid in the agent's PID namespace, which is not the initial one: no system call "
            + "of the agent can name it")
}

extension ProcMount {
    /// How an administrator lets the agent see all processes.
    static let remedy =
        "an administrator can mount /proc with hidepid=0, or with gid= of the agent's group, and set ProtectProc=default "
        + "in its unit"
}
