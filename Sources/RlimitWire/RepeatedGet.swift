import Glibc
import RlimitModel

/// The last plain get that was decoded, for the next that is the same to the byte but for its id: whoever asks, mostly asks
/// again, and what these bytes mean was worked out already.
struct RepeatedGet {
    private var bytes = InlineArray<32, UInt8>(repeating: 0)
    private var count = 0
    private var get: PlainGet?

    /// The get that the payload is if it repeats the last one; nil if it does not, which says nothing about it.
    func matching(_ payload: borrowing Span<UInt8>) -> PlainGet? {
        guard var get, let (id, start) = Self.id(of: payload), payload.count - start == count else { return nil }
        let isSame = unsafe payload.withUnsafeBytes { payload in
            unsafe bytes.span.withUnsafeBytes { bytes in
                guard let mine = bytes.baseAddress, let theirs = payload.baseAddress else { return false }
                // `count` bytes follow `start`, as was just seen, and as many were kept.
                return unsafe memcmp(mine, theirs + start, count) == 0
            }
        }
        guard isSame else { return nil }
        get.id = id
        return get
    }

    /// Keeps a get that was decoded from these bytes.
    mutating func keep(_ get: PlainGet, decodedFrom payload: borrowing Span<UInt8>) {
        guard let (id, start) = Self.id(of: payload), id == get.id, payload.count - start <= bytes.count else { return }
        count = payload.count - start
        for index in 0..<count { bytes[index] = payload[start + index] }
        self.get = get
    }

    // The id, and where what follows begins. Only where the id comes first, as encoders write it, in as few bytes as it needs.
    private static func id(of payload: borrowing Span<UInt8>) -> (id: UInt64, rest: Int)? {
        guard payload.count > 1, payload[0] == 0x08 else { return nil }
        var id: UInt64 = 0
        // Nine bytes of seven bits; an id that takes ten goes the long way.
        for index in 1..<min(payload.count, 10) {
            let byte = payload[index]
            id |= UInt64(byte & 0x7f) << UInt64(7 * (index - 1))
            if byte < 0x80 { return byte == 0 && index > 1 ? nil : (id, index + 1) }
        }
        return nil
    }
}
