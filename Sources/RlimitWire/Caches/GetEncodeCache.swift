import RlimitModel

/// The last get as it is packed, but for its id and its timeout, for the next that asks the same: only those two are
/// written anew then.
struct GetEncodeCache {
    private var bytes = InlineArray<64, UInt8>(repeating: 0)
    // 0 where there is none.
    private var count = 0
    private var target: Target = .caller
    private var resources = ResourceSet.none

    /// Of whom it asks, where that is said in few bytes.
    private enum Target: Equatable {
        case caller, attachedPidfd
        case pid(Int32)

        init?(_ target: Request.Target) {
            switch target {
            case .caller: self = .caller
            case .attachedPidfd: self = .attachedPidfd
            case .pid(let number): self = .pid(number)
            case .cgroup, .pod: return nil
            }
        }
    }

    /// No id, timeout or length takes more bytes than these, with their tags.
    private static let maxPrefixLength = Frame.headerLength + 22

    /// Appends the frame where the operation is the one that was kept; false, and nothing is appended, of any other.
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

    /// Keeps the get that the last `length` bytes of the output are the frame of, if it takes few of them.
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

    // Of field 2, a varint.
    private static let timeoutTag: UInt8 = 0x10
}
