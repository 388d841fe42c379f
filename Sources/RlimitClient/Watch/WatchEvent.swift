public import RlimitModel

extension LimitClient.Watch {
    /// What the watch has observed of a process.
    @nonexhaustive
    public enum Event: Hashable, Sendable {
        /// The limits and the use at one time. The last event of each sample, after its changes and crossed thresholds.
        case sample(Sample)
        /// A limit changed since the last sample, by any process. Several changes between two samples are one event.
        case changed(Resource, old: Limit, new: Limit)
        /// The use rose above a threshold. Reported again only after the use has fallen below the threshold by a
        /// sixteenth of it.
        case crossed(Threshold, used: UInt64, limit: Limit)
        /// The process has ended, waited for or not. The last event.
        case exited
    }

    /// The limits of a process and its use, at one time.
    public struct Sample: Hashable, Sendable {
        /// All sixteen limits. Those of resources that are not watched are from the first sample.
        public let limits: Limits
        /// The use of each watched resource, in its unit, and times and page faults if `.cpuTime` is watched. Context
        /// switches are nil, because reading them takes long for many threads.
        public let usage: Usage
        /// The time of the sample.
        public let instant: ContinuousClock.Instant

        package init(limits: Limits, usage: Usage, instant: ContinuousClock.Instant) {
            self.limits = limits
            self.usage = usage
            self.instant = instant
        }
    }
}
