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

    /// The whole answer, once it is there.
    func result(of id: UInt64) -> Result<Reply, RlimitError>? {
        firstID == id ? first.result : others[id]?.result
    }

    /// Nothing where nobody waits for it. False where a part does not continue what came before.
    mutating func take(_ response: Response) -> Bool {
        if firstID == response.id { return first.take(response) }
        return others[response.id]?.take(response) ?? true
    }
}
