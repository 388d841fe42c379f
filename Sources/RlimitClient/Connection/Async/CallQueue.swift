/// The calls of tasks that are not sent yet, in their order. Those that nobody waits for any more leave it by themselves.
struct CallQueue {
    private var calls: [PendingCall] = []
    private var start = 0
    private var abandoned = 0

    /// Whether nobody waits in it.
    var isEmpty: Bool { count == abandoned }
    /// How many there are, also abandoned ones.
    var count: Int { calls.count - start }

    mutating func append(_ call: PendingCall) { calls.append(call) }

    /// The next that somebody waits for.
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

    /// One that is in the queue was abandoned. They never are more than those that wait, so that the queue of an agent that
    /// takes nothing does not grow with every call that gives up.
    mutating func noteAbandoned() {
        abandoned += 1
        guard abandoned > 16, abandoned > count / 2 else { return }
        calls = calls[start...].filter { !$0.isAbandoned }
        start = 0
        abandoned = 0
    }

    /// All that are waited for, and the queue is empty.
    mutating func removeAll() -> [PendingCall] {
        defer { self = CallQueue() }
        return calls[start...].filter { !$0.isAbandoned }
    }

    func forEach(_ body: (PendingCall) -> Void) { calls[start...].forEach(body) }

    private mutating func drop() {
        start += 1
        // The front is cut off once it is half of it all, so that each call is moved once at most for each that leaves.
        if start == calls.count || start >= 64 && start * 2 >= calls.count {
            calls.removeFirst(start)
            start = 0
        }
    }
}
