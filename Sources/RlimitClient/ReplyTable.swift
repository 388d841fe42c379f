import RlimitModel

/// The answers that are waited for, by the id of the request. The usual one alone takes no memory of its own.
struct ReplyTable {
    private var firstID: UInt64?
    private var first = PendingReply()
    private var others: [UInt64: PendingReply] = [:]

    mutating func insert(_ id: UInt64) {
        if firstID == nil {
            firstID = id
        } else {
            others[id] = PendingReply()
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
    func hasResult(of id: UInt64) -> Bool { firstID == id ? first.isWhole : others[id]?.isWhole ?? false }

    /// The whole answer, once it is there.
    mutating func takeResult(of id: UInt64) -> Result<Reply, RlimitError>? {
        firstID == id ? first.takeResult() : others[id]?.takeResult()
    }

    /// Nothing where nobody waits for it. False where a part does not continue what came before.
    mutating func take(_ response: consuming Response) -> Bool {
        if firstID == response.id { return first.take(response) }
        let id = response.id
        return others[id]?.take(response) ?? true
    }
}
