import CRlimitProto
import RlimitModel

extension [Restoration] {
    /// The reply to `lease_release`. Omits unknown outcomes: the model cannot represent them.
    init(reading message: UnsafePointer<Proto.RestorationList>) throws(RlimitError) {
        self.init()
        let entries = unsafe elements(message.pointee.restorations, message.pointee.n_restorations)
        for index in entries.indices {
            guard let entry = unsafe entries[index] else { continue }
            guard let resource = unsafe Resource(number: entry.pointee.resource) else {
                throw .malformed("the end of a lease of a resource that was not asked for")
            }
            guard unsafe entry.pointee.outcome != RLIMITD__V1__RESTORATION__OUTCOME__OUTCOME_UNSPECIFIED else {
                throw .malformed("the end of a lease that came to nothing")
            }
            guard let outcome = unsafe Restoration.Outcome(number: entry.pointee.outcome) else { continue }
            append(Restoration(resource, outcome, limit: try unsafe Limit.decoded(entry.pointee.limit)))
        }
    }
}

extension Arena {
    mutating func restorations(
        _ restorations: [Restoration]
    ) throws(ArenaFull) -> UnsafeMutablePointer<Proto.RestorationList> {
        let list = try unsafe message(rlimitd__v1__restoration_list__init)
        let entries = try unsafe pointers(to: Proto.Restoration.self, count: restorations.count)
        unsafe list.pointee.restorations = entries
        unsafe list.pointee.n_restorations = restorations.count
        for index in restorations.indices { unsafe entries[index] = try restorations[index].write(to: &self) }
        return unsafe list
    }
}

extension Restoration {
    fileprivate func write(to arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Restoration> {
        let message = try unsafe arena.message(rlimitd__v1__restoration__init)
        unsafe message.pointee.has_resource = 1
        unsafe message.pointee.resource = resource.number
        unsafe message.pointee.has_outcome = 1
        unsafe message.pointee.outcome = outcome.number
        unsafe message.pointee.limit = try limit?.write(to: &arena)
        return unsafe message
    }
}

extension Restoration.Outcome {
    fileprivate init?(number: Proto.RestorationOutcome) {
        switch number {
        case RLIMITD__V1__RESTORATION__OUTCOME__OUTCOME_RESTORED: self = .restored
        case RLIMITD__V1__RESTORATION__OUTCOME__OUTCOME_HELD_BY_ANOTHER_LEASE: self = .heldByAnotherLease
        case RLIMITD__V1__RESTORATION__OUTCOME__OUTCOME_CHANGED_BY_TARGET: self = .changedByTarget
        case RLIMITD__V1__RESTORATION__OUTCOME__OUTCOME_IDENTITY_CHANGED: self = .identityChanged
        case RLIMITD__V1__RESTORATION__OUTCOME__OUTCOME_PROCESS_ENDED: self = .processEnded
        default: return nil
        }
    }

    fileprivate var number: Proto.RestorationOutcome {
        switch self {
        case .restored: RLIMITD__V1__RESTORATION__OUTCOME__OUTCOME_RESTORED
        case .heldByAnotherLease: RLIMITD__V1__RESTORATION__OUTCOME__OUTCOME_HELD_BY_ANOTHER_LEASE
        case .changedByTarget: RLIMITD__V1__RESTORATION__OUTCOME__OUTCOME_CHANGED_BY_TARGET
        case .identityChanged: RLIMITD__V1__RESTORATION__OUTCOME__OUTCOME_IDENTITY_CHANGED
        case .processEnded: RLIMITD__V1__RESTORATION__OUTCOME__OUTCOME_PROCESS_ENDED
        }
    }
}
