import RlimitKernel

/// The times of a watch's samples: the first at once, the others at even intervals. Late samples are not made up for.
struct SamplingSchedule {
    private let configuration: WatchConfiguration
    /// The time of the next sample, of `SystemClock.monotonic`; 0 before the first one.
    private(set) var due: UInt64 = 0

    init(_ configuration: WatchConfiguration) { self.configuration = configuration }

    /// A sample begins now.
    mutating func advance() {
        let now = SystemClock.monotonic
        let next = due.addingReportingOverflow(configuration.interval.nanoseconds)
        due = due > 0 && !next.overflow && next.partialValue > now ? next.partialValue : configuration.due(after: now)
    }
}
