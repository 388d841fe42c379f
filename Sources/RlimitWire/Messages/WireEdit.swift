import CRlimitProto
import RlimitModel

extension NumericEdit {
    /// - Parameter index: The index of the edit in the request, for error messages.
    init(reading message: UnsafePointer<Proto.Edit>, at index: Int) throws(RlimitError) {
        func invalid(_ what: String, _ resource: Resource? = nil) -> RlimitError {
            RlimitError(.invalidArgument, message: "edit \(index) \(what)", resource: resource, editIndex: index)
        }
        guard let number = unsafe present(message.pointee.has_resource, message.pointee.resource) else {
            throw invalid("names no resource")
        }
        guard let resource = Resource(number: number) else {
            throw .unknownResource(number, editIndex: index)
        }
        self.init(resource)
        soft = unsafe present(message.pointee.has_soft, message.pointee.soft).map(Limit.Bound.init(rawValue:))
        hard = unsafe present(message.pointee.has_hard, message.pointee.hard).map(Limit.Bound.init(rawValue:))
        // A C client that does not set has_soft sends such an edit.
        guard soft != nil || hard != nil else { throw invalid("gives neither a soft nor a hard limit", resource) }
        if let number = unsafe present(message.pointee.has_mode, message.pointee.mode) {
            guard let mode = Edit.Mode(number: number) else {
                throw invalid("has the unknown mode \(number.rawValue)", resource)
            }
            self.mode = mode
        }
        if let expect = unsafe message.pointee.expect {
            guard let limit = unsafe Limit(reading: expect) else {
                throw invalid("expects a limit with only one of soft and hard", resource)
            }
            expecting = limit
        }
        if mode == .exact, let soft, let hard, soft > hard {
            throw .softExceedsHard(soft, hard, resource, editIndex: index)
        }
    }

    func write(to arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Edit> {
        let message = try unsafe arena.message(rlimitd__v1__edit__init)
        unsafe message.pointee.has_resource = 1
        unsafe message.pointee.resource = resource.number
        if let soft {
            unsafe message.pointee.has_soft = 1
            unsafe message.pointee.soft = soft.rawValue
        }
        if let hard {
            unsafe message.pointee.has_hard = 1
            unsafe message.pointee.hard = hard.rawValue
        }
        if mode != .exact {
            unsafe message.pointee.has_mode = 1
            unsafe message.pointee.mode = mode.number
        }
        if let expecting { unsafe message.pointee.expect = try expecting.write(to: &arena) }
        return unsafe message
    }
}

extension Edit.Mode {
    init?(number: Proto.EditMode) {
        switch number {
        case RLIMITD__V1__EDIT_MODE__EDIT_MODE_EXACT: self = .exact
        case RLIMITD__V1__EDIT_MODE__EDIT_MODE_AT_LEAST: self = .atLeast
        case RLIMITD__V1__EDIT_MODE__EDIT_MODE_CLAMP: self = .clamp
        default: return nil
        }
    }

    var number: Proto.EditMode {
        switch self {
        case .exact: RLIMITD__V1__EDIT_MODE__EDIT_MODE_EXACT
        case .atLeast: RLIMITD__V1__EDIT_MODE__EDIT_MODE_AT_LEAST
        case .clamp: RLIMITD__V1__EDIT_MODE__EDIT_MODE_CLAMP
        }
    }
}

extension RlimitError {
    static func unknownResource(_ number: Proto.Resource, editIndex: Int? = nil) -> RlimitError {
        RlimitError(
            .invalidResource, message: "there is no resource \(number.rawValue); they go from 1 to \(Resource.count)",
            editIndex: editIndex)
    }

    static func softExceedsHard(
        _ soft: Limit.Bound, _ hard: Limit.Bound, _ resource: Resource, editIndex: Int? = nil
    ) -> RlimitError {
        RlimitError(
            .softExceedsHard, message: "soft \(soft) is above hard \(hard)", resource: resource, editIndex: editIndex)
    }
}
