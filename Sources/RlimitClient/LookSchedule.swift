import RlimitKernel

/// When a watch looks: at once, and then at even intervals, without making up for looks that came late.
struct LookSchedule {
    private let order: WatchOrder
    /// A time of `SystemClock.monotonic`; 0 before the first look.
    private(set) var due: UInt64 = 0

    init(_ order: WatchOrder) { self.order = order }

    /// A look begins now.
    mutating func begin() {
        let now = SystemClock.monotonic
        let next = due.addingReportingOverflow(order.interval.nanoseconds)
        due = due > 0 && !next.overflow && next.partialValue > now ? next.partialValue : order.due(after: now)
    }
}
