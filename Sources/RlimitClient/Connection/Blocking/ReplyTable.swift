import RlimitModel
import RlimitWire

/// The expected responses by the id of the request. The first one, usually the only one, needs no allocation.
struct ReplyTable: ~Copyable {
    private var firstID: UInt64?
    private var first = PendingReply()
    private var others: [UInt64: Other] = [:]

    private final class Other {
        var reply = PendingReply()
    }

    mutating func insert(_ id: UInt64) {
        if firstID == nil {
            firstID = id
        } else {
            others[id] = Other()
        }
    }

    mutating func remove(_ id: UInt64) {
        if firstID == id {
            firstID = nil
            first = PendingReply()
        } else {
            others[id] = nil
        }
    }

    /// Whether the response is complete.
    func isAnswered(_ id: UInt64) -> Bool { firstID == id ? first.isComplete : others[id]?.reply.isComplete ?? false }

    /// The value of the complete response for its call; nil while parts are missing.
    func answer<Call: AgentCall>(_ id: UInt64, to call: Call) -> Result<Call.Value?, RlimitError>? {
        firstID == id ? first.answer(to: call) : others[id]?.reply.answer(to: call)
    }

    /// Adds a part; ignores unknown ids. Returns false if the part does not continue the earlier parts.
    mutating func add(_ response: consuming Response) -> Bool {
        if firstID == response.id { return first.add(response) }
        let id = response.id
        return others[id]?.reply.add(response) ?? true
    }

    /// Adds a complete response whose bytes are those of the one before.
    mutating func add(_ decoded: DecodedLimits, of id: UInt64) -> Bool {
        firstID == id ? first.add(decoded) : others[id]?.reply.add(decoded) ?? true
    }
}
