import CProtobufC
package import RlimitModel

/// The framing of messages in the stream: a length of four bytes in big-endian order, followed by the bytes of the
/// message.
package enum Frame {
    /// The size of the length field in bytes.
    package static let headerLength = 4
    /// The maximum length of a message from a client.
    package static let maxRequestLength = 4096
    /// The maximum length of a message from the agent.
    package static let maxResponseLength = 65536
    /// The maximum number of unanswered requests of a connection. Beyond it, the agent stops reading from the
    /// connection.
    package static let maxRequestsInFlight = 128

    /// The range of the message in the frame that begins at `start`; nil if the frame is incomplete.
    ///
    /// Reports a length of 0 or above `limit` as soon as the four bytes of the length are available.
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
    /// Appends the frame of a message and packs it in place. Returns false and appends nothing if it is longer than
    /// `limit`.
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
