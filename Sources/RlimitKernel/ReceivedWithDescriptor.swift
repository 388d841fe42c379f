internal import CRlimitLinux

/// What a receive found that offered room for exactly one descriptor.
package enum ReceivedWithDescriptor: ~Copyable {
    /// Bytes, and the descriptor that came somewhere among them.
    case bytes(Int, FileDescriptor?)
    case wouldBlock
    case end
    /// More than one descriptor came, or something that is none. All of it is closed; nothing else of this connection can be
    /// trusted to mean what its sender meant.
    case fault
}

extension StreamSocket {
    /// Receives bytes and at most one descriptor, close-on-exec. recvmsg(2), SCM_RIGHTS.
    ///
    /// The kernel merges writes: bytes without a descriptor and then bytes with one can arrive together, never a descriptor of
    /// a later write before its bytes.
    package func receiveWithDescriptor(
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> ReceivedWithDescriptor {
        guard buffer.count > 0 else { return .bytes(0, nil) }
        guard !ForeignDescriptors.shared.isFull else { return try unsafe receiveBytesAlone(into: buffer) }
        var received = rl_received()
        // The buffer's own bounds.
        let count = try SystemCall.valueIfReady("recvmsg") {
            unsafe rl_receive_descriptor(descriptor.number, buffer.baseAddress, buffer.count, &received)
        }
        guard let count else { return .wouldBlock }
        // Owned before anything is judged, so that every way out closes it.
        let attached = received.descriptor >= 0 ? FileDescriptor(received: received.descriptor) : nil
        if received.is_truncated != 0 || received.has_other != 0 { return .fault }
        if count == 0 { return attached == nil ? .end : .fault }
        return .bytes(count, attached)
    }

    // As long as too many wait to be closed, no more become ours.
    private func receiveBytesAlone(
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> ReceivedWithDescriptor {
        switch unsafe try receive(into: buffer) {
        case .bytes(let count): .bytes(count, nil)
        case .wouldBlock: .wouldBlock
        case .end: .end
        }
    }
}
