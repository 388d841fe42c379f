import RlimitModel

/// One operation that both the kernel and the agent are asked to perform: the caller, the target and the operation.
struct OracleCase: Hashable {
    var caller: Credentials
    /// The number of the caller's supplementary groups. They count up from alice's group, so they include the targets'
    /// groups.
    var groupCount = 0
    var target: Target
    /// The ids of the target if it is a process that the tests made.
    var targetIDs: Credentials
    var naming: Naming
    var operation: Operation

    enum Target: CaseIterable {
        /// The caller.
        case itself
        case process, inUserNamespace
        case zombie, ended, thread
        /// Processes that the tests must not change. An edit of these sets their current limits.
        case firstProcess, kernelThread, agent

        var isControlled: Bool { ![.firstProcess, .kernelThread, .agent].contains(self) }
        var isLive: Bool { [.itself, .process, .inUserNamespace].contains(self) }
    }

    enum Naming: CaseIterable { case number, pidfd, itself }

    enum Operation: Hashable {
        case get([Resource])
        case prlimitRead(Resource)
        case prlimit(EditAmounts)
        case set([EditAmounts])
    }

    /// An edit, and the limits before it.
    struct EditAmounts: Hashable {
        var resource: Resource
        var mode = Edit.Mode.exact
        var soft: Amount?
        var hard: Amount?
        var expecting: Amounts?
        var start: Amounts
    }

    var edits: [EditAmounts] {
        switch operation {
        case .get, .prlimitRead: []
        case .prlimit(let edit): [edit]
        case .set(let edits): edits
        }
    }

    var resources: [Resource] {
        switch operation {
        case .get(let resources): resources
        case .prlimitRead(let resource): [resource]
        default: edits.map(\.resource)
        }
    }
}

extension Credentials {
    /// Whether the three user ids are equal and the three group ids are equal.
    var areSimple: Bool { are(uid: realUID, gid: realGID) }
}

extension OracleCase: CustomStringConvertible {
    var description: String {
        let targetText =
            switch target {
            case .itself: "itself"
            case .firstProcess, .kernelThread, .agent: "\(target)"
            default: "\(target) of \(targetIDs.short)"
            }
        return "caller \(caller.short) with \(groupCount) groups, \(targetText) by \(naming): \(text(of: operation))"
    }

    private func text(of operation: Operation) -> String {
        switch operation {
        case .get(let resources): "get \(resources)"
        case .prlimitRead(let resource): "prlimit \(resource)"
        case .prlimit(let edit): "prlimit \(text(of: edit))"
        case .set(let edits): "set \(edits.map(text(of:)).joined(separator: ", "))"
        }
    }

    private func text(of edit: EditAmounts) -> String {
        let half = { (amount: Amount?) in amount.map { "\($0)" } ?? "-" }
        let expecting = edit.expecting.map { " expecting \($0.soft):\($0.hard)" } ?? ""
        return "\(edit.resource) \(edit.start.soft):\(edit.start.hard) -> \(half(edit.soft)):\(half(edit.hard)) "
            + "\(edit.mode)\(expecting)"
    }
}

extension Credentials {
    /// "64001" if all ids are equal, otherwise "uids 0/64001/64001 gids ...".
    var short: String {
        areSimple && realUID == realGID
            ? "\(realUID)"
            : "uids \(realUID)/\(effectiveUID)/\(savedUID) gids \(realGID)/\(effectiveGID)/\(savedGID)"
    }
}
