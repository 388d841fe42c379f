import RlimitModel

/// The last decoded plain get. Clients often repeat a get with only another id, which then needs no decoding.
struct GetDecodeCache {
    private var message = LastMessageCache()
    private var get: PlainGet?

    /// The get in the payload if it equals the last one except for its id; otherwise nil.
    func matching(_ payload: borrowing Span<UInt8>) -> PlainGet? {
        guard var get, let id = message.id(of: payload) else { return nil }
        get.id = id
        return get
    }

    /// Stores a get that was decoded from these bytes.
    mutating func store(_ get: PlainGet, decodedFrom payload: borrowing Span<UInt8>) {
        message.store(payload, id: get.id)
        self.get = get
    }
}
