import RlimitKernel
import RlimitModel
import RlimitWire

/// A descriptor that waits for its frame: the last frame that begins in the bytes with which the descriptor came.
struct ReceivedDescriptor: ~Copyable {
    let descriptor: FileDescriptor
    /// The range of those bytes in the stream.
    let range: Range<UInt64>
    /// Set from the end of the first turn on.
    var slot: ReceivedDescriptorSlot?

    /// Whether the descriptor belongs to the frame with this range of the stream. Of the frames that begin in `range`,
    /// only the last one reaches its end.
    func belongs(to frame: Range<UInt64>) -> Bool {
        range.contains(frame.lowerBound) && frame.upperBound >= range.upperBound
    }
}

/// Counts a peer's descriptor for as long as it waits for its frame.
final class ReceivedDescriptorSlot {
    private let descriptorCount: DescriptorCount
    private let tenantUsage: TenantUsage

    init(_ descriptorCount: DescriptorCount, _ tenantUsage: TenantUsage) {
        self.descriptorCount = descriptorCount
        self.tenantUsage = tenantUsage
        descriptorCount.add(receivedDescriptors: 1)
        tenantUsage.receivedDescriptors += 1
    }

    deinit {
        descriptorCount.add(receivedDescriptors: -1)
        tenantUsage.receivedDescriptors -= 1
    }
}

extension Session {
    /// The descriptor that belongs to a request's frame.
    ///
    /// - Parameter place: The frame's range in the bytes that are not processed yet.
    /// - Throws: `.malformed` if the request uses no descriptor.
    func takeDescriptor(for request: Request, at place: Range<Int>) throws(RequestFault) -> FileDescriptor? {
        guard let receivedDescriptor = receivedDescriptor.take() else { return nil }
        guard receivedDescriptor.belongs(to: streamRange(of: place)) else {
            self.receivedDescriptor = consume receivedDescriptor
            return nil
        }
        guard request.operation.target == .attachedPidfd else {
            throw RequestFault(id: request.id, error: .unnamedDescriptor)
        }
        return receivedDescriptor.descriptor
    }

    /// Closes the descriptor of a frame that was rejected before it was decoded. The connection continues.
    func discardDescriptor(at place: Range<Int>) {
        guard let receivedDescriptor = receivedDescriptor.take() else { return }
        if !receivedDescriptor.belongs(to: streamRange(of: place)) {
            self.receivedDescriptor = consume receivedDescriptor
        }
    }

    private func streamRange(of place: Range<Int>) -> Range<UInt64> {
        position + UInt64(place.lowerBound)..<position + UInt64(place.upperBound)
    }
}
