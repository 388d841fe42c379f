import Glibc

/// The bytes of the last message of one kind without its id. A message with equal bytes need not be decoded again.
struct LastMessageCache {
    private var bytes = InlineArray<64, UInt8>(repeating: 0)
    // 0 if no message is stored.
    private var count = 0

    /// The id of a message with exactly the stored bytes; nil for any other message, valid or not.
    func id(of message: borrowing Span<UInt8>) -> UInt64? {
        guard count > 0, let (id, start) = Self.split(message), message.count - start == count else { return nil }
        let isSame = unsafe message.withUnsafeBytes { message in
            unsafe bytes.span.withUnsafeBytes { bytes in
                guard let mine = bytes.baseAddress, let theirs = message.baseAddress else { return false }
                // Both buffers hold `count` bytes: the comparison above checked the message.
                return unsafe memcmp(mine, theirs + start, count) == 0
            }
        }
        return isSame ? id : nil
    }

    /// Stores the bytes of a decoded message, if it is short enough.
    mutating func store(_ message: borrowing Span<UInt8>, id: UInt64) {
        count = 0
        guard let (first, start) = Self.split(message), first == id, message.count - start <= bytes.count else {
            return
        }
        for index in start..<message.count { bytes[index - start] = message[index] }
        count = message.count - start
    }

    // The id and the offset of the rest. nil unless the id is the first field, as encoders write it, in its shortest
    // form.
    private static func split(_ message: borrowing Span<UInt8>) -> (id: UInt64, rest: Int)? {
        guard message.count > 1, message[0] == idTag else { return nil }
        var id: UInt64 = 0
        // At most nine bytes of seven bits. A longer id is decoded without the cache.
        for index in 1..<min(message.count, 10) {
            let byte = message[index]
            id |= UInt64(byte & 0x7f) << UInt64(7 * (index - 1))
            if byte < 0x80 { return byte == 0 && index > 1 ? nil : (id, index + 1) }
        }
        return nil
    }

    /// Field 1 as a varint: the id of requests and responses.
    static let idTag: UInt8 = 0x08
}
