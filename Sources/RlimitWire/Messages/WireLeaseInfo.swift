import CRlimitProto
import RlimitModel

extension LeaseInfo {
    init(reading message: UnsafePointer<Proto.LeaseInfo>) throws(RlimitError) {
        let lease = unsafe message.pointee
        let bytes = unsafe Array(lease.id.contents)
        guard (1...ID.maxByteCount).contains(bytes.count) else {
            throw .malformed("a lease whose name has \(bytes.count) bytes")
        }
        let number = unsafe lease.pid
        guard let pid = Int32(exactly: number), pid <= Request.maxPID else {
            throw .malformed("a lease of process \(number), which there cannot be")
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
            // 0 would say that it lasts as long as the connection.
            unsafe message.pointee.remaining_ms = max(1, remaining.milliseconds)
        }
        unsafe message.pointee.rule = try arena.text(rule)
        return unsafe message
    }
}

extension [LeaseInfo] {
    /// What answers lease_list.
    init(reading message: UnsafePointer<Proto.LeaseInfoList>) throws(RlimitError) {
        self.init()
        let entries = unsafe elements(message.pointee.leases, message.pointee.n_leases)
        reserveCapacity(entries.count)
        for index in entries.indices {
            if let entry = unsafe entries[index] { append(try unsafe LeaseInfo(reading: entry)) }
        }
    }
}

/// The first of some leases, as one message that fits a frame.
@safe struct LeaseListPart {
    /// How many of the leases are in it: at least one, if there is any.
    let count: Int
    let message: UnsafeMutablePointer<Proto.LeaseInfoList>

    /// - Throws: There is no room for a single one.
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
