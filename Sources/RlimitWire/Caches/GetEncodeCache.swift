import RlimitModel

/// The encoded bytes of the last get without its id and timeout. A repeated get is encoded by writing only these two
/// fields before them.
struct GetEncodeCache {
    private var bytes = InlineArray<64, UInt8>(repeating: 0)
    // 0 if no get is stored.
    private var count = 0
    private var target: Target = .caller
    private var resources = ResourceSet.none

    /// The targets with a short encoding.
    private enum Target: Equatable {
        case caller, attachedPidfd
        case pid(Int32)

        init?(_ target: Request.Target) {
            switch target {
            case .caller: self = .caller
            case .attachedPidfd: self = .attachedPidfd
            case .pid(let number): self = .pid(number)
            case .identifiedPID, .cgroup, .pod: return nil
            }
        }
    }

    /// The maximum size of the length, the id and the timeout, with their tags.
    private static let maxPrefixLength = Frame.headerLength + 22

    /// Appends the frame if the operation equals the stored one; otherwise returns false and appends nothing.
    mutating func append(
        _ operation: Request.Operation, id: UInt64, milliseconds: UInt32?, to output: inout ByteQueue
    ) -> Bool {
        guard count > 0, case .get(let target, let resources) = operation, resources == self.resources,
            Target(target) == self.target
        else { return false }
        unsafe output.write(upTo: Self.maxPrefixLength + bytes.count) { space in
            var end = Frame.headerLength
            unsafe Varint.write(id, tag: LastMessageCache.idTag, to: space, at: &end)
            if let milliseconds { unsafe Varint.write(UInt64(milliseconds), tag: Self.timeoutTag, to: space, at: &end) }
            unsafe bytes.span.withUnsafeBytes { kept in
                unsafe UnsafeMutableRawBufferPointer(rebasing: space[end...]).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: kept[..<count]))
            }
            end += count
            let length = end - Frame.headerLength
            unsafe space.storeBytes(of: UInt32(truncatingIfNeeded: length).bigEndian, as: UInt32.self)
            return end
        }
        return true
    }

    /// Stores a get from its frame, the last `length` bytes of the output, if it is short enough.
    mutating func store(
        _ operation: Request.Operation, id: UInt64, milliseconds: UInt32?, from output: borrowing ByteQueue, length: Int
    ) {
        guard case .get(let target, let resources) = operation, let target = Target(target) else { return }
        let timeout = milliseconds.map { 1 + Varint.length(of: UInt64($0)) } ?? 0
        let prefix = Frame.headerLength + 1 + Varint.length(of: id) + timeout
        guard length > prefix, length - prefix <= bytes.count else { return }
        count = length - prefix
        (self.target, self.resources) = (target, resources)
        output.withBytes { queued in
            for index in 0..<count { bytes[index] = queued[queued.count - count + index] }
        }
    }

    // Field 2 as a varint.
    private static let timeoutTag: UInt8 = 0x10
}
