import Glibc

/// The bytes of the last message of a kind but for its id, to know the next that is the same: what they mean was worked out
/// already.
struct LastMessageCache {
    private var bytes = InlineArray<64, UInt8>(repeating: 0)
    // 0 where there is none.
    private var count = 0

    /// The id of a message that is the one that was kept, to the byte; nil of any other, which says nothing about it.
    func id(of message: borrowing Span<UInt8>) -> UInt64? {
        guard count > 0, let (id, start) = Self.split(message), message.count - start == count else { return nil }
        let isSame = unsafe message.withUnsafeBytes { message in
            unsafe bytes.span.withUnsafeBytes { bytes in
                guard let mine = bytes.baseAddress, let theirs = message.baseAddress else { return false }
                // `count` bytes follow `start`, as was just seen, and as many were kept.
                return unsafe memcmp(mine, theirs + start, count) == 0
            }
        }
        return isSame ? id : nil
    }

    /// Keeps the bytes of a message that was understood, if they are few.
    mutating func store(_ message: borrowing Span<UInt8>, id: UInt64) {
        count = 0
        guard let (first, start) = Self.split(message), first == id, message.count - start <= bytes.count else {
            return
        }
        for index in start..<message.count { bytes[index - start] = message[index] }
        count = message.count - start
    }

    // The id, and where what follows begins. Only where the id comes first, as encoders write it, in as few bytes as it needs.
    private static func split(_ message: borrowing Span<UInt8>) -> (id: UInt64, rest: Int)? {
        guard message.count > 1, message[0] == idTag else { return nil }
        var id: UInt64 = 0
        // Nine bytes of seven bits; an id that takes ten goes the long way.
        for index in 1..<min(message.count, 10) {
            let byte = message[index]
            id |= UInt64(byte & 0x7f) << UInt64(7 * (index - 1))
            if byte < 0x80 { return byte == 0 && index > 1 ? nil : (id, index + 1) }
        }
        return nil
    }

    /// Of field 1, a varint, which is the id of requests and of responses.
    static let idTag: UInt8 = 0x08
}
