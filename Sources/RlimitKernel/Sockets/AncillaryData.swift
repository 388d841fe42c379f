internal import CRlimitLinux

/// What came beside the bytes of one message, received with room for as many descriptors as a message can carry: those that do
/// not fit the kernel would close itself, in the thread that receives (`DeferredClose`).
struct AncillaryData {
    /// The one descriptor that came, where it is to be kept: ours to close. -1 where there is none.
    private(set) var singleDescriptor: Int32 = -1
    /// More came than is kept, or something else than descriptors. What came was given away to be closed.
    private(set) var isUnexpected = false

    /// Receives bytes, and gives all descriptors away that are not kept. recvmsg(2), MSG_CMSG_CLOEXEC.
    ///
    /// - Parameter keepsOne: A single descriptor is kept if bytes came with it.
    /// - Returns: The number of bytes, or -errno.
    mutating func receive(
        _ socket: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int, keepsSingleDescriptor: Bool,
        deferredClose: DeferredClose
    ) -> Int {
        // Left as it is found: mostly nothing comes, and it is a kilobyte.
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
                // So many were written.
                for index in 0..<Int(received.count) { unsafe deferredClose.close(numbers[index]) }
            }
            return length
        }
    }
}
