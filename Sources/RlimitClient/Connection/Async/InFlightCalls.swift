import RlimitWire

/// The calls of tasks whose answers are still to come, as many as the agent takes. The number of each says where it lies.
struct InFlightCalls {
    private var slots = [PendingCall?](repeating: nil, count: Self.capacity)
    // The last is taken next.
    private var free = Array(0..<Self.capacity)
    private var round: UInt64 = 0

    // Of the numbers of two calls in the same place, one after the other. A power of two, so that a number is cheaply taken
    // apart.
    private static let stride: UInt64 = 128
    private static let capacity = min(Frame.maxRequestsInFlight, Int(stride))

    var count: Int { slots.count - free.count }
    var isEmpty: Bool { free.count == slots.count }
    var isFull: Bool { free.isEmpty }

    /// The number that the next gets; nil where it is full.
    var nextID: UInt64? {
        guard let slot = free.last else { return nil }
        return (round + 1) * Self.stride + UInt64(slot)
    }

    /// Only where it is not full.
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
