import RlimitKernel

/// When a watch looks: at once, and then at even intervals, without making up for looks that came late.
struct SamplingSchedule {
    private let configuration: WatchConfiguration
    /// A time of `SystemClock.monotonic`; 0 before the first look.
    private(set) var due: UInt64 = 0

    init(_ configuration: WatchConfiguration) { self.configuration = configuration }

    /// A look begins now.
    mutating func advance() {
        let now = SystemClock.monotonic
        let next = due.addingReportingOverflow(configuration.interval.nanoseconds)
        due = due > 0 && !next.overflow && next.partialValue > now ? next.partialValue : configuration.due(after: now)
    }
}
