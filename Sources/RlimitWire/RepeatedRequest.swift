import RlimitModel

/// The last plain request that was decoded, for the next that is the same to the byte but for its id: whoever asks, mostly
/// asks again, and what these bytes mean was worked out already.
struct RepeatedRequest {
    private var bytes = InlineArray<64, UInt8>(repeating: 0)
    private var count = 0
    private var request = Request(id: 0, .serverInfo)

    /// The request that the payload is if it repeats the last one; nil if it does not, which says nothing about it.
    func matching(_ payload: borrowing Span<UInt8>) -> Request? {
        guard count > 0, let (id, rest) = Self.split(payload), rest.count == count else { return nil }
        for index in 0..<count where payload[rest.lowerBound + index] != bytes[index] { return nil }
        var request = request
        request.id = id
        return request
    }

    /// Keeps a request that was decoded from these bytes, if it is a plain one.
    mutating func keep(_ new: Request, decodedFrom payload: borrowing Span<UInt8>) {
        guard new.isPlain, let (id, rest) = Self.split(payload), id == new.id, rest.count <= bytes.count else { return }
        for index in 0..<rest.count { bytes[index] = payload[rest.lowerBound + index] }
        count = rest.count
        request = new
    }

    // The id, and where what follows lies. Only where the id comes first, as encoders write it.
    private static func split(_ payload: borrowing Span<UInt8>) -> (id: UInt64, rest: Range<Int>)? {
        var cursor = WireCursor(0..<payload.count)
        guard let tag = try? cursor.tag(in: payload), tag.number == 1, tag.kind == .varint,
            let id = try? cursor.varint(in: payload)
        else { return nil }
        return (id, cursor.position..<payload.count)
    }
}

extension Request {
    // It holds no memory of its own, so that copies of it cost nothing.
    fileprivate var isPlain: Bool {
        switch operation {
        case .get(.caller, _), .get(.pid, _), .get(.attachedPidfd, _): true
        case .usage(.caller, _), .usage(.pid, _), .usage(.attachedPidfd, _): true
        case .prlimit(.caller, _, nil), .prlimit(.pid, _, nil), .prlimit(.attachedPidfd, _, nil): true
        default: false
        }
    }
}
