/// The clock by which an agent counts, ahead of the real one by as much as a test says.
struct AgentClock {
    private var ahead: Duration = .zero

    var now: ContinuousClock.Instant { .now + ahead }

    mutating func advance(by duration: Duration) { ahead += max(.zero, duration) }
}
