/// The calls that wait to be sent, in order. Abandoned calls are removed when they reach the front, or are too many.
struct CallQueue {
    private var calls: [PendingCall] = []
    private var start = 0
    private var abandoned = 0

    /// Whether no task waits for a call in the queue.
    var isEmpty: Bool { count == abandoned }
    /// The number of calls, including abandoned ones.
    var count: Int { calls.count - start }

    mutating func append(_ call: PendingCall) { calls.append(call) }

    /// The first call that is not abandoned.
    var first: PendingCall? {
        mutating get {
            while start < calls.count {
                if !calls[start].isAbandoned { return calls[start] }
                abandoned -= 1
                drop()
            }
            return nil
        }
    }

    mutating func removeFirst() { drop() }

    /// Counts a call in the queue that was abandoned. Abandoned calls never outnumber the others by much, so the queue
    /// does not grow with every timeout while the agent reads nothing.
    mutating func noteAbandoned() {
        abandoned += 1
        guard abandoned > 16, abandoned > count / 2 else { return }
        calls = calls[start...].filter { !$0.isAbandoned }
        start = 0
        abandoned = 0
    }

    /// Empties the queue, and returns the calls that are not abandoned.
    mutating func removeAll() -> [PendingCall] {
        defer { self = CallQueue() }
        return calls[start...].filter { !$0.isAbandoned }
    }

    func forEach(_ body: (PendingCall) -> Void) { calls[start...].forEach(body) }

    private mutating func drop() {
        start += 1
        // Removes the front when it is half of the array, so that each removal moves at most one call on average.
        if start == calls.count || start >= 64 && start * 2 >= calls.count {
            calls.removeFirst(start)
            start = 0
        }
    }
}
