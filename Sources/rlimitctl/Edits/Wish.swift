import RlimitModel

/// One edit that was asked for, worked out against the limits as they are.
struct Wish {
    let edit: Edit
    let now: Limit
    let wanted: Limit

    init(_ edit: Edit, now: Limit) {
        self.edit = edit
        self.now = now
        wanted = edit.numeric(now: now, most: now.hard).applied(to: now)
    }

    var resource: Resource { edit.resource }
    var changes: Bool { wanted != now }
    var raisesHard: Bool { wanted.hard > now.hard }
    var lowers: Bool { wanted.soft < now.soft || wanted.hard < now.hard }

    /// What the agent is asked for where the kernel does the lowering: the half that is raised.
    var raisingPart: Edit {
        guard lowers else { return edit }
        return Edit(
            resource, soft: wanted.soft > now.soft ? wanted.soft : nil, hard: raisesHard ? wanted.hard : nil,
            expecting: edit.expecting)
    }
}
