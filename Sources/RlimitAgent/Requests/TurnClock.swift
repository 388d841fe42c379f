import RlimitKernel

/// The time as the event loop last read it, and how much of its turn a session has used.
struct TurnClock {
    /// Never long ago: the loop updates it after each step.
    private(set) var now = BootInstant.now
    // When the current session's turn began.
    private var turnStart = BootInstant.now
    /// When the current session's input was received: in this turn, or in an earlier one.
    private(set) var receivedAt = BootInstant.now

    /// The time after which a turn begins no request, in nanoseconds. The kernel takes many milliseconds to show some
    /// processes in /proc.
    private static let maxTurn: UInt64 = 500_000

    mutating func update() { now = .now }

    /// - Parameter receivedAt: When the frames that wait for this turn were received; nil if none wait.
    mutating func beginTurn(withFramesOf receivedAt: BootInstant?) {
        turnStart = now
        self.receivedAt = receivedAt ?? now
    }

    /// Whether the turn may go on after this number of frames. Reads the clock after the first frame and after every
    /// fourth from then on.
    mutating func hasTime(afterFrames processed: Int) -> Bool {
        if processed & 3 == 1 { now = .now }
        return now.nanoseconds(since: turnStart) < Self.maxTurn
    }

    /// Whether a request's timeout has passed while it waited for the frames before it, for room, or for its peer to
    /// read responses.
    func hasPassed(_ timeout: Duration) -> Bool { now.nanoseconds(since: receivedAt) > timeout.nanoseconds }
}
