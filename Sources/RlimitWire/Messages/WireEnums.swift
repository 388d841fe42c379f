import CRlimitProto
import RlimitModel

// The enums of the contract and those of the model. Whoever reads decides what an unknown number means.

extension Resource {
    // The contract counts them in the order of the Linux headers, from 1; 0 names none.
    init?(number: Proto.Resource) {
        guard let resource = Resource(index: Int(number.rawValue) - 1) else { return nil }
        self = resource
    }

    var number: Proto.Resource { Proto.Resource(rawValue: UInt32(index + 1)) }
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

extension Usage.Scope {
    // USAGE_SCOPE_THREAD is an operation of its own in the model.
    init?(number: Proto.UsageScope) {
        switch number {
        case RLIMITD__V1__USAGE_SCOPE__USAGE_SCOPE_PROCESS: self = .process
        case RLIMITD__V1__USAGE_SCOPE__USAGE_SCOPE_CHILDREN: self = .children
        case RLIMITD__V1__USAGE_SCOPE__USAGE_SCOPE_BOTH: self = .processAndChildren
        default: return nil
        }
    }

    var number: Proto.UsageScope {
        switch self {
        case .process: RLIMITD__V1__USAGE_SCOPE__USAGE_SCOPE_PROCESS
        case .children: RLIMITD__V1__USAGE_SCOPE__USAGE_SCOPE_CHILDREN
        case .processAndChildren: RLIMITD__V1__USAGE_SCOPE__USAGE_SCOPE_BOTH
        }
    }
}

extension Change.Warning {
    init?(number: Proto.Warning) {
        guard number == RLIMITD__V1__WARNING__WARNING_LIMITED_BY_USER_NAMESPACE else { return nil }
        self = .limitedByUserNamespace
    }

    var number: Proto.Warning {
        switch self {
        case .limitedByUserNamespace: RLIMITD__V1__WARNING__WARNING_LIMITED_BY_USER_NAMESPACE
        }
    }
}
