import RlimitKernel

/// What each copy of a client may have its own of.
struct CallOptions: Sendable {
    let strategy: LimitClient.Strategy
    let timeout: Duration?
    // Worked out once.
    private let nanoseconds: UInt64

    init(_ strategy: LimitClient.Strategy, _ timeout: Duration?) {
        self.strategy = strategy
        self.timeout = timeout
        nanoseconds = timeout?.nanoseconds ?? .max
    }

    /// When a call that begins now must have ended.
    var deadline: MonotonicDeadline { MonotonicDeadline(after: nanoseconds) }
}
