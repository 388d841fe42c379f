import RlimitWire

/// Bytes that wait for another turn of their session. A session without such bytes has no buffer.
final class PartialBuffer {
    var bytes = ByteQueue()
}
