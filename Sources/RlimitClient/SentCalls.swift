import RlimitWire

/// The calls of tasks whose answers are still to come, as many as the agent takes. The number of each says where it lies.
struct SentCalls {
    private var places = [TaskCall?](repeating: nil, count: Self.room)
    // The last is taken next.
    private var free = Array(0..<Self.room)
    private var round: UInt64 = 0

    // Of the numbers of two calls in the same place, one after the other. A power of two, so that a number is cheaply taken
    // apart.
    private static let stride: UInt64 = 128
    private static let room = min(Frame.requestsInFlight, Int(stride))

    var count: Int { places.count - free.count }
    var isEmpty: Bool { free.count == places.count }
    var isFull: Bool { free.isEmpty }

    /// The number that the next gets; nil where it is full.
    var nextID: UInt64? {
        guard let place = free.last else { return nil }
        return (round + 1) * Self.stride + UInt64(place)
    }

    /// Only where it is not full.
    mutating func insert(_ call: TaskCall) {
        guard let id = nextID, let place = free.popLast() else { return }
        round += 1
        call.id = id
        places[place] = call
    }

    subscript(id: UInt64) -> TaskCall? {
        guard place(of: id) < places.count, let call = places[place(of: id)], call.id == id else { return nil }
        return call
    }

    mutating func remove(_ call: TaskCall) {
        let place = place(of: call.id)
        guard place < places.count, places[place] === call else { return }
        places[place] = nil
        free.append(place)
    }

    mutating func removeAll() { self = SentCalls() }

    func forEach(_ body: (TaskCall) -> Void) { places.forEach { $0.map(body) } }

    func allSatisfy(_ predicate: (TaskCall) -> Bool) -> Bool { places.allSatisfy { $0.map(predicate) ?? true } }

    private func place(of id: UInt64) -> Int { Int(id % Self.stride) }
}
