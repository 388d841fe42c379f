internal import CRlimitLinux

/// Ancillary data of one message. The buffer has room for the maximum number of descriptors of a message, because the
/// kernel closes those that do not fit in the receiving thread, which may block (`DeferredClose`).
struct AncillaryData {
    /// The single descriptor that was kept, which the caller must close. -1 if there is none.
    private(set) var singleDescriptor: Int32 = -1
    /// Whether there was more than the kept descriptor, or data other than descriptors. All descriptors are being
    /// closed.
    private(set) var isUnexpected = false

    /// Receives bytes, and passes all descriptors that are not kept to `deferredClose`. recvmsg(2), MSG_CMSG_CLOEXEC.
    ///
    /// - Parameter keepsSingleDescriptor: Keep a descriptor that came alone and with at least one byte.
    /// - Returns: The number of bytes, or -errno.
    mutating func receive(
        _ socket: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int, keepsSingleDescriptor: Bool,
        deferredClose: DeferredClose
    ) -> Int {
        // Not zeroed: it has a kilobyte, and most messages have no descriptor.
        unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: Int(RL_MAX_DESCRIPTOR_COUNT)) { numbers in
            var received = rl_received()
            let length = unsafe rl_receive_descriptors(socket, bytes, count, numbers.baseAddress, &received)
            guard length >= 0 else { return length }
            let isPlain = received.is_truncated == 0 && received.has_other == 0
            guard received.count > 0 || !isPlain else { return length }
            if keepsSingleDescriptor, isPlain, received.count == 1, length > 0 {
                singleDescriptor = unsafe numbers[0]
            } else {
                isUnexpected = true
                // The call wrote `count` numbers.
                for index in 0..<Int(received.count) { unsafe deferredClose.close(numbers[index]) }
            }
            return length
        }
    }
}
