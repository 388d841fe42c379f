/// The sessions, by the tokens that the poller reports. A token is never used twice, so an event that was reported
/// before its session ended reaches no other session. Tokens of sessions are at least 1 << 32.
struct SessionTable {
    private var slots: [Session?] = []
    private var generations: [UInt32] = []
    private var free: [Int] = []
    private(set) var count = 0
    private var cursor = 0

    mutating func insert(_ session: Session) -> UInt64 {
        let index: Int
        if let reused = free.popLast() {
            index = reused
            slots[index] = session
        } else {
            index = slots.count
            slots.append(session)
            generations.append(1)
        }
        count += 1
        return UInt64(generations[index]) << 32 | UInt64(index)
    }

    subscript(token: UInt64) -> Session? {
        guard let index = index(of: token) else { return nil }
        return slots[index]
    }

    /// - Returns: False if there is no such session.
    mutating func remove(_ token: UInt64) -> Bool {
        guard let index = index(of: token), slots[index] != nil else { return false }
        slots[index] = nil
        generations[index] &+= 1
        if generations[index] == 0 { generations[index] = 1 }
        free.append(index)
        count -= 1
        return true
    }

    /// The number of calls of `next()` in one round.
    var slotCount: Int { slots.count }

    /// The next session in round-robin order; nil for a free slot.
    mutating func next() -> Session? {
        guard !slots.isEmpty else { return nil }
        cursor = cursor + 1 < slots.count ? cursor + 1 : 0
        return slots[cursor]
    }

    /// The tokens of all sessions. Allocates, so it is for rare events.
    var tokens: [UInt64] {
        slots.indices.compactMap { slots[$0] == nil ? nil : UInt64(generations[$0]) << 32 | UInt64($0) }
    }

    private func index(of token: UInt64) -> Int? {
        let index = Int(truncatingIfNeeded: token & 0xffff_ffff)
        guard index < slots.count, generations[index] == UInt32(truncatingIfNeeded: token >> 32) else { return nil }
        return index
    }
}
