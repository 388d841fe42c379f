import RlimitKernel

/// The options of one copy of a client.
struct CallOptions: Sendable {
    let strategy: LimitClient.Strategy
    let timeout: Duration?
    // Computed once, because every call needs it.
    private let nanoseconds: UInt64

    init(_ strategy: LimitClient.Strategy, _ timeout: Duration?) {
        self.strategy = strategy
        self.timeout = timeout
        nanoseconds = timeout?.nanoseconds ?? .max
    }

    /// The deadline of a call that begins now.
    var deadline: MonotonicDeadline { MonotonicDeadline(after: nanoseconds) }
}
