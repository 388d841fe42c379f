import CProtobufC
import CRlimitProto
import RlimitModel

extension LeaseTerm {
    /// 0 or an absent number means until the connection closes.
    init(milliseconds: UInt64) throws(RlimitError) {
        guard milliseconds <= RequestBounds.maxLeaseMilliseconds else {
            throw RlimitError(
                .invalidArgument,
                message: "a lease of \(milliseconds) ms is longer than \(RequestBounds.maxLeaseMilliseconds) ms")
        }
        self = milliseconds == 0 ? .connection : .duration(.milliseconds(milliseconds))
    }

    /// - Throws: `.invalidArgument` for a duration that is not positive or too long.
    func check() throws(RlimitError) {
        guard case .duration(let duration) = self else { return }
        guard duration > .zero else {
            throw RlimitError(.invalidArgument, message: "the duration of a lease must be positive")
        }
        _ = try LeaseTerm(milliseconds: milliseconds)
    }

    var milliseconds: UInt64 {
        guard case .duration(let duration) = self else { return 0 }
        return duration.milliseconds
    }
}

extension LeaseInfo.ID {
    init(reading data: ProtobufCBinaryData?) throws(RlimitError) {
        guard let data = unsafe data else { throw RlimitError(.invalidArgument, message: "no lease is named") }
        self.init(bytes: unsafe Array(data.contents))
        try check()
    }

    func check() throws(RlimitError) {
        guard (1...RequestBounds.maxLeaseIDLength).contains(bytes.count) else {
            throw RlimitError(
                .invalidArgument,
                message: "the name of a lease has 1 to \(RequestBounds.maxLeaseIDLength) bytes, not \(bytes.count)")
        }
    }
}

extension LeaseInfo {
    init(reading message: UnsafePointer<Proto.LeaseInfo>) throws(RlimitError) {
        let lease = unsafe message.pointee
        let bytes = unsafe Array(lease.id.contents)
        guard (1...ID.maxByteCount).contains(bytes.count) else {
            throw .malformed("a lease whose name has \(bytes.count) bytes")
        }
        let number = unsafe lease.pid
        guard let pid = Int32(exactly: number), pid <= Request.maxPID else {
            throw .malformed("a lease of process \(number), which is not a valid process id")
        }
        try self.init(
            id: ID(bytes: bytes), pid: pid == 0 ? nil : pid,
            changes: unsafe [Change](reading: lease.changes, lease.n_changes),
            remaining: unsafe lease.remaining_ms == 0 ? nil : .milliseconds(lease.remaining_ms),
            rule: unsafe WireText.readName(lease.rule))
    }

    func write(to arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.LeaseInfo> {
        let message = try unsafe arena.message(rlimitd__v1__lease_info__init)
        unsafe message.pointee.has_id = 1
        unsafe message.pointee.id = try arena.data(id.bytes)
        if let pid {
            unsafe message.pointee.has_pid = 1
            unsafe message.pointee.pid = UInt64(pid.magnitude)
        }
        unsafe message.pointee.changes = try arena.entries(changes)
        unsafe message.pointee.n_changes = changes.count
        if let remaining {
            unsafe message.pointee.has_remaining_ms = 1
            // 0 would mean that the lease lasts as long as the connection.
            unsafe message.pointee.remaining_ms = max(1, remaining.milliseconds)
        }
        unsafe message.pointee.rule = try arena.text(rule)
        return unsafe message
    }
}

extension [LeaseInfo] {
    /// The reply to `lease_list`.
    init(reading message: UnsafePointer<Proto.LeaseInfoList>) throws(RlimitError) {
        self.init()
        let entries = unsafe elements(message.pointee.leases, message.pointee.n_leases)
        reserveCapacity(entries.count)
        for index in entries.indices {
            if let entry = unsafe entries[index] { append(try unsafe LeaseInfo(reading: entry)) }
        }
    }
}

/// The first leases of a list, as one message that fits in a frame.
@safe struct LeaseListPart {
    /// The number of leases in it: at least one, if there is any.
    let count: Int
    let message: UnsafeMutablePointer<Proto.LeaseInfoList>

    /// - Throws: `ArenaFull` if not even one lease fits.
    init(of leases: ArraySlice<LeaseInfo>, in arena: inout Arena) throws(ArenaFull) {
        let list = try unsafe arena.message(rlimitd__v1__lease_info_list__init)
        let part = try unsafe ListPart(of: leases, in: &arena) { lease, arena throws(ArenaFull) in
            try unsafe lease.write(to: &arena)
        }
        unsafe list.pointee.leases = part.entries
        unsafe list.pointee.n_leases = part.count
        count = unsafe part.count
        unsafe message = list
    }
}
