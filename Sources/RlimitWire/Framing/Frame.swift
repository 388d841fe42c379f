import CProtobufC
package import RlimitModel

/// How messages lie in the stream: a length of four bytes, most significant first, and that many bytes of protobuf.
package enum Frame {
    /// The bytes of the length.
    package static let headerLength = 4
    /// The longest message that a client may send.
    package static let maxRequestLength = 4096
    /// The longest message that the agent sends.
    package static let maxResponseLength = 65536
    /// How many requests a connection may have unanswered; after that the agent stops reading from it.
    package static let maxRequestsInFlight = 128

    /// The message of the frame that begins at `start` of `bytes`; nil if it is not all there yet.
    ///
    /// A length of 0 or above `limit` is found as soon as its four bytes are there.
    ///
    /// - Throws: `.malformed`.
    package static func payload(
        in bytes: borrowing Span<UInt8>, from start: Int, limit: Int
    ) throws(RlimitError) -> Range<Int>? {
        guard start >= 0, start <= bytes.count, bytes.count - start >= headerLength else { return nil }
        var length = 0
        for index in start..<start + headerLength { length = length << 8 | Int(bytes[index]) }
        guard length > 0 else { throw RlimitError(.malformed, message: "a frame of no bytes") }
        guard length <= limit else {
            throw RlimitError(.malformed, message: "a frame of \(length) bytes; at most \(limit) are read")
        }
        let first = start + headerLength
        guard bytes.count - first >= length else { return nil }
        return first..<first + length
    }
}

extension ByteQueue {
    /// Appends the frame of a message, packed in place; false, and nothing is appended, if it is longer than `limit`.
    mutating func appendFrame(of message: UnsafePointer<ProtobufCMessage>, limit: Int) -> Bool {
        let length = unsafe protobuf_c_message_get_packed_size(message)
        guard length > 0, length <= limit else { return false }
        unsafe write(upTo: Frame.headerLength + length) { space in
            guard let start = unsafe space.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return 0 }
            for index in 0..<Frame.headerLength {
                unsafe start[index] = UInt8(truncatingIfNeeded: length >> (8 * (Frame.headerLength - 1 - index)))
            }
            return Frame.headerLength + (unsafe protobuf_c_message_pack(message, start + Frame.headerLength))
        }
        return true
    }
}
