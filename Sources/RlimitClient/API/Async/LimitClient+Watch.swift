public import RlimitModel

extension LimitClient {
    /// Watches a process: yields a sample at each interval, and an event when a limit changes, when a threshold is
    /// crossed, and when the process ends.
    ///
    /// prlimit(2), proc_pid_limits(5), proc_pid_stat(5) and proc_pid_status(5); the agent if the kernel refuses.
    ///
    /// - Parameters:
    ///   - target: The process. A pidfd must stay open until the first event.
    ///   - interval: The minimum time between two samples: more than zero, rounded up to milliseconds.
    ///   - alerts: Thresholds of use, for resources whose use the kernel shows.
    ///   - resources: The resources to sample, in addition to those of the alerts. Nil samples the resources of the
    ///     alerts, or all sixteen without alerts. Open files alone cost a quarter of all sixteen.
    /// - Returns: A sequence. Creating it opens nothing; its first `next()` throws the errors.
    public func watch(
        _ target: Target = .currentProcess, every interval: Duration = .seconds(1), alerts: [Watch.Threshold] = [],
        resources: [Resource]? = nil
    ) -> Watch {
        Watch(configuration: WatchConfiguration(self, interval, resources, alerts), target: target)
    }

    /// Watches every process of a cgroup and of the cgroups below it. The events are those of one process, each with
    /// its pid.
    ///
    /// The processes are read from /sys/fs/cgroup if it shows the cgroup. Otherwise, and for pods, the agent is asked.
    /// Processes without a pid in the caller's PID namespace are left out.
    ///
    /// - Parameters:
    ///   - cgroup: The cgroup. It may be empty at times. The sequence ends when it is removed.
    ///   - interval: As for one process.
    ///   - alerts: As for one process. Each process crosses each threshold separately.
    ///   - resources: As for one process.
    public func watch(
        in cgroup: Cgroup, every interval: Duration = .seconds(1), alerts: [Watch.Threshold] = [],
        resources: [Resource]? = nil
    ) -> CgroupWatch {
        CgroupWatch(configuration: WatchConfiguration(self, interval, resources, alerts), cgroup: cgroup)
    }
}
