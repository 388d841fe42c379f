import RlimitModel
import RlimitWire

/// The answers that are waited for, by the id of the request. The usual one alone takes no memory of its own.
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

    /// Whether the whole answer is there.
    func isAnswered(_ id: UInt64) -> Bool { firstID == id ? first.isComplete : others[id]?.reply.isComplete ?? false }

    /// What the whole answer means to whoever asked, once it is there.
    func answer<Call: AgentCall>(_ id: UInt64, to call: Call) -> Result<Call.Value?, RlimitError>? {
        firstID == id ? first.answer(to: call) : others[id]?.reply.answer(to: call)
    }

    /// Nothing where nobody waits for it. False where a part does not continue what came before.
    mutating func add(_ response: consuming Response) -> Bool {
        if firstID == response.id { return first.add(response) }
        let id = response.id
        return others[id]?.reply.add(response) ?? true
    }

    /// The same of an answer that repeats the last one.
    mutating func add(_ decoded: DecodedLimits, of id: UInt64) -> Bool {
        firstID == id ? first.add(decoded) : others[id]?.reply.add(decoded) ?? true
    }
}
