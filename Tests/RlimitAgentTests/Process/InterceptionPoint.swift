/// The step at which a test acts on a real process while the agent handles a request about it.
final class InterceptionPoint {
    /// Before or after a call, counted from 0.
    struct Place: Hashable, CustomStringConvertible {
        var call: Int
        var isAfter: Bool
        var description: String { "\(isAfter ? "after" : "before") call \(call)" }
    }

    /// The agent's calls in order: "read", "identity", "exchange", "detail" or "usage".
    private(set) var calls: [String] = []
    var place: Place?
    var event: () throws -> Void = {}
    private(set) var failure: (any Error)?
    private(set) var hasHappened = false

    func pass(_ name: String) -> Int {
        calls.append(name)
        happen(Place(call: calls.count - 1, isAfter: false))
        return calls.count - 1
    }

    func leave(_ call: Int) { happen(Place(call: call, isAfter: true)) }

    private func happen(_ here: Place) {
        guard here == place, !hasHappened else { return }
        hasHappened = true
        do { try event() } catch { failure = error }
    }
}
