import RlimitModel

/// The last plain get that was decoded, for the next that is the same but for its id: whoever asks, mostly asks again.
struct GetDecodeCache {
    private var message = LastMessageCache()
    private var get: PlainGet?

    /// The get that the payload is if it repeats the last one; nil if it does not.
    func matching(_ payload: borrowing Span<UInt8>) -> PlainGet? {
        guard var get, let id = message.id(of: payload) else { return nil }
        get.id = id
        return get
    }

    /// Keeps a get that was decoded from these bytes.
    mutating func store(_ get: PlainGet, decodedFrom payload: borrowing Span<UInt8>) {
        message.store(payload, id: get.id)
        self.get = get
    }
}
