internal import CRlimitLinux

/// The result of a receive that accepts exactly one descriptor.
package enum ReceivedWithDescriptor: ~Copyable {
    /// Bytes, and the descriptor that was sent with any of them.
    case bytes(Int, FileDescriptor?)
    case wouldBlock
    case end
    /// More than one descriptor, or other ancillary data. All descriptors are closed. The caller must close the
    /// connection, because later frames can no longer be matched with their descriptors.
    case fault
}

extension StreamSocket {
    /// Receives bytes and at most one descriptor, close-on-exec. recvmsg(2), SCM_RIGHTS.
    ///
    /// The kernel merges writes. Bytes without a descriptor may arrive together with later bytes that carry one, but a
    /// descriptor never arrives before the bytes of its write.
    package func receiveWithDescriptor(
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> ReceivedWithDescriptor {
        guard buffer.count > 0 else { return .bytes(0, nil) }
        guard !DeferredClose.received.isSaturated else { return try unsafe receiveAfterPeek(into: buffer) }
        var ancillary = AncillaryData()
        // The pointer and the count are of one buffer.
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

    /// Receives bytes. Other threads close the descriptors that come with them. If all these threads are busy, the
    /// result is `fault` and nothing is received. recvmsg(2), MSG_PEEK.
    func receiveAfterPeek(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> ReceivedWithDescriptor {
        var hasAncillaryData: Int32 = 0
        // The pointer and the count are of one buffer.
        let seen = try SystemCall.valueIfReady("recvmsg") {
            unsafe rl_peek(descriptor.number, buffer.baseAddress, buffer.count, &hasAncillaryData)
        }
        guard let seen else { return .wouldBlock }
        guard seen > 0 else { return .end }
        // Receives no more bytes than the peek examined.
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
