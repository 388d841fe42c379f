import RlimitKernel

/// The memory of one session's buffers: what its peer sent and the agent has not processed, the responses that the
/// socket did not accept, and the responses that the peer has not read.
struct BufferUsage {
    /// The bytes that count for its tenant.
    private(set) var counted = 0
    /// Since when the socket accepts no responses and the peer has read nothing; nil if the socket has accepted all.
    private(set) var stalledSince: BootInstant?
    /// Since when the session processes no requests because its tenant's buffers have no room.
    var waitsForRoomSince: BootInstant?
    // The memory of the responses that the peer has not read: at least that, and exactly that after `measure`.
    private var unreadMemory = 0
    // What the last measurement found, if nothing was sent since then.
    private var lastMeasurement: Int?
    private var hasProgressed = false

    /// The estimate with which the kernel is asked for the exact value: that of twelve short responses, or of one.
    private static let measuringThreshold = 16 * 1024
    private static let measuringThresholdIfShort = 2 * 1024

    /// Whether it may have to end without an event.
    var isWaiting: Bool { stalledSince != nil || waitsForRoomSince != nil }
    /// Whether the peer may have responses to read.
    var mayHaveUnread: Bool { unreadMemory > 0 }

    /// Whether the kernel is to be asked for the exact value.
    func needsMeasurement(isBudgetShort: Bool) -> Bool {
        unreadMemory > (isBudgetShort ? Self.measuringThresholdIfShort : Self.measuringThreshold)
    }

    /// Records one call of send(2).
    ///
    /// - Parameter isProgress: The socket did not accept these bytes before, so the peer has read since then.
    mutating func recordSend(_ count: Int, isProgress: Bool = false) {
        // More than the kernel takes for a message: it rounds the size up to a power of two, and adds its own data.
        unreadMemory += 2 * count + 1280
        lastMeasurement = nil
        if isProgress { hasProgressed = true }
    }

    /// Asks the kernel how much the peer has not read. ioctl(2).
    mutating func measure(_ socket: borrowing StreamSocket) {
        let measurement = socket.unreadMemory
        if let lastMeasurement, measurement < lastMeasurement { hasProgressed = true }
        lastMeasurement = measurement
        unreadMemory = measurement
    }

    /// Counts again.
    ///
    /// - Parameters:
    ///   - unread: The memory of unprocessed bytes.
    ///   - unsent: The memory of responses that the socket did not accept; nil if there are none.
    /// - Returns: Whether the socket accepts responses again.
    mutating func update(unread: Int, unsent: Int?, now: BootInstant) -> Bool {
        counted = unreadMemory + unread + (unsent ?? 0)
        guard unsent != nil else { return stalledSince.take() != nil }
        if hasProgressed || stalledSince == nil { stalledSince = now }
        hasProgressed = false
        return false
    }
}
