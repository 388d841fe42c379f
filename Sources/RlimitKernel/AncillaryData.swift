internal import CRlimitLinux

/// What came beside the bytes of one message, with room for as many descriptors as a message can carry: those that do not fit
/// the kernel would close itself, in the thread that receives (`Disposal`).
struct AncillaryData {
    private var numbers = InlineArray<253, Int32>(repeating: -1)
    private var received = rl_received()

    /// How many descriptors came; each is ours to close.
    var count: Int { Int(received.count) }
    /// More came than there was room for, or something else than descriptors.
    var isOdd: Bool { received.is_truncated != 0 || received.has_other != 0 }
    /// The one, where there is one.
    var first: Int32 { numbers[0] }

    /// recvmsg(2), MSG_CMSG_CLOEXEC. The number of bytes, or -errno.
    mutating func receive(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        received.count = 0
        var span = numbers.mutableSpan
        return unsafe span.withUnsafeMutableBufferPointer { numbers in
            // As long as the shim takes it to be: RL_GREATEST_DESCRIPTOR_COUNT.
            unsafe rl_receive_descriptors(descriptor, bytes, count, numbers.baseAddress, &received)
        }
    }

    /// Gives all descriptors away to be closed.
    func dispose(through disposal: Disposal) {
        for index in 0..<count { disposal.close(numbers[index]) }
    }
}
