import RlimitWire

/// The calls that were sent and whose response has not arrived, up to the agent's limit. The id of a call contains its
/// slot.
struct InFlightCalls {
    private var slots = [PendingCall?](repeating: nil, count: Self.capacity)
    // The last one is used next.
    private var free = Array(0..<Self.capacity)
    private var round: UInt64 = 0

    // The distance between the ids of two successive calls in one slot. A power of two, so that the slot of an id is
    // cheap to compute.
    private static let stride: UInt64 = 128
    private static let capacity = min(Frame.maxRequestsInFlight, Int(stride))

    var count: Int { slots.count - free.count }
    var isEmpty: Bool { free.count == slots.count }
    var isFull: Bool { free.isEmpty }

    /// The id of the next call; nil if the table is full.
    var nextID: UInt64? {
        guard let slot = free.last else { return nil }
        return (round + 1) * Self.stride + UInt64(slot)
    }

    /// Inserts a call and sets its id. The table must not be full.
    mutating func insert(_ call: PendingCall) {
        guard let id = nextID, let slot = free.popLast() else { return }
        round += 1
        call.id = id
        slots[slot] = call
    }

    subscript(id: UInt64) -> PendingCall? {
        guard slot(of: id) < slots.count, let call = slots[slot(of: id)], call.id == id else { return nil }
        return call
    }

    mutating func remove(_ call: PendingCall) {
        let slot = slot(of: call.id)
        guard slot < slots.count, slots[slot] === call else { return }
        slots[slot] = nil
        free.append(slot)
    }

    mutating func removeAll() { self = InFlightCalls() }

    func forEach(_ body: (PendingCall) -> Void) { slots.forEach { $0.map(body) } }

    func allSatisfy(_ predicate: (PendingCall) -> Bool) -> Bool { slots.allSatisfy { $0.map(predicate) ?? true } }

    private func slot(of id: UInt64) -> Int { Int(id % Self.stride) }
}
