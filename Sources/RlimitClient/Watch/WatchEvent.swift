public import RlimitModel

extension LimitClient.Watch {
    /// What was seen of a process.
    @nonexhaustive
    public enum Event: Hashable, Sendable {
        /// It was looked at. The last event of each look: what else came of it has been told.
        case sample(Sample)
        /// Somebody changed a limit of it since the last look, or it did itself. Several changes between two looks are one.
        case changed(Resource, old: Limit, new: Limit)
        /// It came to use more than a threshold. Said once, and again only after the use has fallen below the threshold by a
        /// sixteenth of that.
        case crossed(Threshold, used: UInt64, limit: Limit)
        /// It has ended, waited for or not. The last event.
        case exited
    }

    /// The limits of a process, and what it used, at one time.
    public struct Sample: Hashable, Sendable {
        /// All sixteen; those that are not watched are as they were at the first look.
        public let limits: Limits
        /// How much of each watched resource is taken, and times and page faults where `.cpuTime` is watched. Context
        /// switches, which take long to find out for many threads, are nil.
        public let usage: Usage
        /// When it was.
        public let instant: ContinuousClock.Instant

        package init(limits: Limits, usage: Usage, instant: ContinuousClock.Instant) {
            self.limits = limits
            self.usage = usage
            self.instant = instant
        }
    }
}
