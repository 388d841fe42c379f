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
        guard !DeferredClose.received.isSaturated else { return try unsafe receiveAfterPeek(into: buffer) }
        var ancillary = AncillaryData()
        // The buffer's own bounds.
        let count = try SystemCall.valueIfReady("recvmsg") {
            unsafe ancillary.receive(
                descriptor.number, buffer.baseAddress, buffer.count, keepsSingleDescriptor: true,
                deferredClose: .received)
        }
        guard let count else { return .wouldBlock }
        if ancillary.singleDescriptor >= 0 {
            return .bytes(count, FileDescriptor(owning: ancillary.singleDescriptor, closeMode: .deferred))
        }
        if ancillary.isUnexpected { return .fault }
        return count == 0 ? .end : .bytes(count, nil)
    }

    /// Receives bytes. What descriptors come with them are closed by another thread; where none is free, that is a fault, and
    /// all stays as it is. recvmsg(2), MSG_PEEK.
    func receiveAfterPeek(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> ReceivedWithDescriptor {
        var hasAncillaryData: Int32 = 0
        // The buffer's own bounds.
        let seen = try SystemCall.valueIfReady("recvmsg") {
            unsafe rl_peek(descriptor.number, buffer.baseAddress, buffer.count, &hasAncillaryData)
        }
        guard let seen else { return .wouldBlock }
        guard seen > 0 else { return .end }
        // No more is taken than was looked at.
        guard hasAncillaryData != 0 else {
            let count = try SystemCall.value("recv") { unsafe rl_receive(descriptor.number, buffer.baseAddress, seen) }
            return .bytes(count, nil)
        }
        guard !DeferredClose.unwanted.isSaturated else { return .fault }
        var ancillary = AncillaryData()
        let count = try SystemCall.value("recvmsg") {
            unsafe ancillary.receive(
                descriptor.number, buffer.baseAddress, seen, keepsSingleDescriptor: false, deferredClose: .unwanted)
        }
        return .bytes(count, nil)
    }
}
