import CRlimitProto
import RlimitModel

extension Change {
    init(reading message: UnsafePointer<Proto.Change>) throws(RlimitError) {
        guard let resource = unsafe Resource(number: message.pointee.resource) else {
            throw .malformed("a response about an unknown resource")
        }
        try self.init(
            resource, old: unsafe Limit(decoded: message.pointee.old),
            new: unsafe Limit(decoded: message.pointee.new_),
            grantedBy: .agent(rule: unsafe WireText.readName(message.pointee.rule)),
            shortfall: unsafe RlimitError.decoded(message.pointee.shortfall),
            warnings: unsafe Set(numbers: message.pointee.warnings, message.pointee.n_warnings))
    }

    func write(to arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Change> {
        let message = try unsafe arena.message(rlimitd__v1__change__init)
        unsafe message.pointee.has_resource = 1
        unsafe message.pointee.resource = resource.number
        unsafe message.pointee.old = try old.write(to: &arena)
        unsafe message.pointee.new_ = try new.write(to: &arena)
        if case .agent(let rule) = grantedBy { unsafe message.pointee.rule = try arena.text(rule) }
        unsafe message.pointee.warnings = try warnings.write(to: &arena)
        unsafe message.pointee.n_warnings = warnings.count
        unsafe message.pointee.shortfall = try shortfall?.write(to: &arena)
        return unsafe message
    }
}

extension Reply {
    /// The reply to `set`.
    init(reading message: UnsafePointer<Proto.ChangeList>) throws(RlimitError) {
        let changes = try unsafe [Change](reading: message.pointee.changes, message.pointee.n_changes)
        var lease: LeaseInfo?
        if let message = unsafe message.pointee.lease { lease = try unsafe LeaseInfo(reading: message) }
        self = .changes(changes, lease: lease)
    }
}

extension [Change] {
    init(
        reading changes: UnsafeMutablePointer<UnsafeMutablePointer<Proto.Change>?>?, _ count: Int
    ) throws(RlimitError) {
        self.init()
        let entries = unsafe elements(changes, count)
        for index in entries.indices {
            if let entry = unsafe entries[index] { append(try unsafe Change(reading: entry)) }
        }
    }
}

extension Arena {
    mutating func changes(
        _ changes: [Change], _ lease: LeaseInfo?
    ) throws(ArenaFull) -> UnsafeMutablePointer<Proto.ChangeList> {
        let list = try unsafe message(rlimitd__v1__change_list__init)
        unsafe list.pointee.changes = try entries(changes)
        unsafe list.pointee.n_changes = changes.count
        unsafe list.pointee.lease = try lease?.write(to: &self)
        return unsafe list
    }

    mutating func entries(
        _ changes: [Change]
    ) throws(ArenaFull) -> UnsafeMutablePointer<UnsafeMutablePointer<Proto.Change>?> {
        let entries = try unsafe pointers(to: Proto.Change.self, count: changes.count)
        for index in changes.indices { unsafe entries[index] = try changes[index].write(to: &self) }
        return unsafe entries
    }
}

extension Set<Change.Warning> {
    /// Omits unknown warnings: the model cannot represent them.
    init(numbers: UnsafeMutablePointer<Proto.Warning>?, _ count: Int) {
        self.init()
        let numbers = unsafe UnsafeBufferPointer(start: numbers, count: numbers == nil ? 0 : count)
        for index in numbers.indices {
            if let warning = unsafe Change.Warning(number: numbers[index]) { insert(warning) }
        }
    }

    /// Encodes the warnings in the order of their numbers, so that equal responses have equal bytes; nil if there are
    /// none.
    func write(to arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Warning>? {
        guard !isEmpty else { return nil }
        let numbers = try unsafe arena.allocate(Proto.Warning.self, count: count)
        var end = 0
        var number: UInt32 = 1
        // The numbers start at 1 and have no gaps.
        while let warning = Change.Warning(number: Proto.Warning(rawValue: number)) {
            if contains(warning) {
                unsafe numbers[end] = warning.number
                end += 1
            }
            number += 1
        }
        return unsafe numbers
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
