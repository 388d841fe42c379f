import RlimitModel

/// An edit, and the limits it would set, computed from the current limits.
struct DryRunEdit {
    let edit: Edit
    let now: Limit
    let requested: Limit

    init(_ edit: Edit, now: Limit) {
        self.edit = edit
        self.now = now
        requested = edit.numeric(now: now, most: now.hard).applied(to: now)
    }

    var resource: Resource { edit.resource }
    var changes: Bool { requested != now }
    var raisesHard: Bool { requested.hard > now.hard }
    var lowers: Bool { requested.soft < now.soft || requested.hard < now.hard }

    /// The edit without its lowering, which the kernel permits: only the raised limits.
    var raisingEdit: Edit {
        guard lowers else { return edit }
        return Edit(
            resource, soft: requested.soft > now.soft ? requested.soft : nil, hard: raisesHard ? requested.hard : nil,
            expecting: edit.expecting)
    }
}
