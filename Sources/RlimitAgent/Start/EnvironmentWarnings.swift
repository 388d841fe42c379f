import RlimitKernel

/// What the agent cannot know or do where it was started. Each warning is a sentence with the cause, the effect and the
/// remedy. The agent logs them at its start, and `server_info` reports them with the policy.
enum EnvironmentWarnings {
    /// Run after the agent has dropped its privileges, which may have let it see more.
    static func probe(_ kernel: KernelFeatures = .probed) -> [String] {
        var warnings: [String] = []
        let mount = ProcMount.current()
        if mount.hidesOthers { warnings.append(hiddenProcesses(mount, hasPidfdInfo: kernel.hasPidfdInfo)) }
        if !NamespaceLink.pid.isInitial { warnings.append(ownPIDNamespace) }
        if !NamespaceLink.cgroup.isInitial { warnings.append(ownCgroupNamespace) }
        if SystemInfo.openFilesCeiling() == nil { warnings.append(unknownOpenFilesCeiling) }
        return warnings
    }

    static func hiddenProcesses(_ mount: ProcMount, hasPidfdInfo: Bool) -> String {
        let options = [mount.hidepid.map { "hidepid=\($0)" }, mount.gid.map { "gid=\($0)" }].compactMap { $0 }
        let cause = options.isEmpty ? "a mount option or a security module" : options.joined(separator: ",")
        // The kernel reports the ids of a process by its pidfd since Linux 6.13, and only /proc does before.
        let effect =
            hasPidfdInfo
            ? "the agent does not know the capabilities, cgroups and usage of these processes, and refuses requests that need them"
            : "the agent does not know the ids of these processes, and answers such callers only server_info"
        return "/proc hides the processes of other users from the agent (\(cause)): \(effect); \(ProcMount.remedy)"
    }

    static let ownPIDNamespace =
        "the agent is in a PID namespace of its own (--allow-pid-namespace): it answers callers outside of it only "
        + "server_info"

    static let ownCgroupNamespace =
        "the agent is in a cgroup namespace of its own (--allow-cgroup-namespace): cgroups and units in rules are paths "
        + "below the root of that namespace"

    static let unknownOpenFilesCeiling =
        "fs.nr_open is unknown, because /proc/sys is not there: the agent assumes 1048576; mount /proc without subset=pid, "
        + "and set ProcSubset=all in a unit"
}
