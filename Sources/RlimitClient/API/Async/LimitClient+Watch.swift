public import RlimitModel

extension LimitClient {
    /// Watches a process: a sample at each interval, and an event when a limit changes, when a threshold is crossed, and when
    /// it ends. prlimit(2), proc_pid_limits(5), proc_pid_stat(5) and proc_pid_status(5); the agent where the kernel refuses.
    ///
    /// - Parameters:
    ///   - target: Which process. A pidfd must be open until the first event has come.
    ///   - interval: How long from one look to the next, at the least: more than zero, to the millisecond.
    ///   - alerts: Which uses to tell of: of resources of which the kernel shows how much is taken.
    ///   - resources: Which to look at, beside those of the alerts; by default only those, and without alerts all sixteen. Open
    ///     files alone cost a quarter of all.
    /// - Returns: What opens nothing by itself: what is wrong is thrown by `next()`, for the first event.
    public func watch(
        _ target: Target = .currentProcess, every interval: Duration = .seconds(1), alerts: [Watch.Threshold] = [],
        resources: [Resource]? = nil
    ) -> Watch {
        Watch(configuration: WatchConfiguration(self, interval, resources, alerts), target: target)
    }

    /// Watches every process of a cgroup and of those below it, as they come and go: the same events, each with the number of
    /// its process.
    ///
    /// Which processes these are is read from /sys/fs/cgroup where that is there to read, and else asked of the agent, as it is
    /// for pods. Those that have no number in the caller's PID namespace are left out.
    ///
    /// - Parameters:
    ///   - cgroup: Which. It may be empty now and then; when it is removed, the sequence ends.
    ///   - interval: As for one process.
    ///   - alerts: As for one process; each is above or below for itself.
    ///   - resources: As for one process.
    public func watch(
        in cgroup: Cgroup, every interval: Duration = .seconds(1), alerts: [Watch.Threshold] = [],
        resources: [Resource]? = nil
    ) -> CgroupWatch {
        CgroupWatch(configuration: WatchConfiguration(self, interval, resources, alerts), cgroup: cgroup)
    }
}
