import RlimitKernel

/// The clock by which an agent counts, ahead of the real one by as much as a test says.
struct AgentClock {
    private(set) var ahead: Duration = .zero

    var now: BootInstant { .now + ahead }

    mutating func advance(by duration: Duration) { ahead += max(.zero, duration) }
}
