import CRlimitProto
import RlimitModel

extension AgentInfo {
    init(reading message: UnsafePointer<Proto.ServerInfo>) throws(RlimitError) {
        let features = try unsafe WireText.read(message.pointee.features, count: message.pointee.n_features)
        let warnings = try unsafe WireText.read(message.pointee.warnings, count: message.pointee.n_warnings)
        guard let caller = unsafe message.pointee.caller else {
            throw .malformed("an answer without the caller")
        }
        try self.init(
            version: unsafe WireText.read(message.pointee.version) ?? "",
            kernel: unsafe WireText.read(message.pointee.kernel) ?? "", features: features,
            openFilesCeiling: unsafe message.pointee.nr_open, canRaise: unsafe message.pointee.can_raise != 0,
            policy: unsafe WireText.read(message.pointee.policy) ?? "",
            policyGeneration: unsafe present(
                message.pointee.has_policy_generation, message.pointee.policy_generation),
            policyPath: unsafe WireText.readName(message.pointee.policy_path), warnings: warnings,
            caller: unsafe Caller(reading: caller))
    }

    func write(to arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.ServerInfo> {
        let message = try unsafe arena.message(rlimitd__v1__server_info__init)
        unsafe message.pointee.version = try arena.text(version) as UnsafeMutablePointer<CChar>
        unsafe message.pointee.kernel = try arena.text(kernel) as UnsafeMutablePointer<CChar>
        unsafe message.pointee.features = try arena.texts(features)
        unsafe message.pointee.n_features = features.count
        unsafe message.pointee.has_nr_open = 1
        unsafe message.pointee.nr_open = openFilesCeiling
        unsafe message.pointee.has_can_raise = 1
        unsafe message.pointee.can_raise = canRaise ? 1 : 0
        unsafe message.pointee.policy = try arena.text(policy) as UnsafeMutablePointer<CChar>
        if let policyGeneration {
            unsafe message.pointee.has_policy_generation = 1
            unsafe message.pointee.policy_generation = policyGeneration
        }
        unsafe message.pointee.policy_path = try arena.text(policyPath)
        // More would not fit in a frame beside the groups of the caller.
        let shownWarnings = warnings.prefix(Self.maxWarnings)
        unsafe message.pointee.warnings = try arena.texts(shownWarnings)
        unsafe message.pointee.n_warnings = shownWarnings.count
        unsafe message.pointee.caller = try caller.write(to: &arena)
        return unsafe message
    }
}

extension AgentInfo {
    /// The maximum number of warnings in a response.
    static let maxWarnings = 8
}

extension AgentInfo.Caller {
    /// The maximum number of reported groups. A process can be in 65536 groups, which would not fit in a frame. The
    /// list is only for display.
    static let maxGroups = 8192

    init(reading message: UnsafePointer<Proto.Caller>) throws(RlimitError) {
        let fields = unsafe message.pointee
        let groups = unsafe UnsafeBufferPointer(start: fields.groups, count: fields.groups == nil ? 0 : fields.n_groups)
        // The name of a cgroup can contain any bytes.
        let cgroup = unsafe present(fields.has_cgroup, fields.cgroup).map { data in
            unsafe String(decoding: data.contents, as: UTF8.self)
        }
        self.init(
            Peer(
                pid: unsafe Int32(exactly: fields.pid).flatMap { pid in pid > 0 ? pid : nil }, uid: unsafe fields.uid,
                gid: unsafe fields.gid, groups: unsafe Array(groups), isPinned: unsafe fields.pinned != 0,
                namespaceDepth: unsafe fields.namespace_depth == 0 ? nil : Int(fields.namespace_depth),
                cgroup: cgroup, label: try unsafe WireText.read(fields.label),
                hasMixedIDs: unsafe fields.mixed_ids != 0),
            mayAttachPidfd: unsafe present(fields.has_may_attach, fields.may_attach).map { $0 != 0 })
    }

    func write(to arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Caller> {
        let message = try unsafe arena.message(rlimitd__v1__caller__init)
        unsafe message.pointee.has_pid = 1
        unsafe message.pointee.pid = UInt64(clamping: pid ?? 0)
        unsafe message.pointee.has_uid = 1
        unsafe message.pointee.uid = uid
        unsafe message.pointee.has_gid = 1
        unsafe message.pointee.gid = gid
        let shown = groups.prefix(Self.maxGroups)
        let numbers = try unsafe arena.allocate(UInt32.self, count: shown.count)
        unsafe message.pointee.groups = numbers
        for group in shown {
            unsafe numbers[message.pointee.n_groups] = group
            unsafe message.pointee.n_groups += 1
        }
        unsafe message.pointee.has_pinned = 1
        unsafe message.pointee.pinned = isPinned ? 1 : 0
        if let namespaceDepth, let depth = UInt32(exactly: namespaceDepth) {
            unsafe message.pointee.has_namespace_depth = 1
            unsafe message.pointee.namespace_depth = depth
        }
        if let cgroup {
            unsafe message.pointee.has_cgroup = 1
            unsafe message.pointee.cgroup = try arena.data(cgroup.utf8.prefix(4096))
        }
        unsafe message.pointee.label = try arena.text(label)
        unsafe message.pointee.has_mixed_ids = 1
        unsafe message.pointee.mixed_ids = hasMixedIDs ? 1 : 0
        if let mayAttachPidfd {
            unsafe message.pointee.has_may_attach = 1
            unsafe message.pointee.may_attach = mayAttachPidfd ? 1 : 0
        }
        return unsafe message
    }
}
