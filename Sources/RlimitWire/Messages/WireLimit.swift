import CRlimitProto
import RlimitModel

extension Limit {
    /// nil if a half is missing.
    init?(reading message: UnsafePointer<Proto.Limit>) {
        guard unsafe message.pointee.has_soft != 0, unsafe message.pointee.has_hard != 0 else { return nil }
        unsafe self.init(soft: Bound(rawValue: message.pointee.soft), hard: Bound(rawValue: message.pointee.hard))
    }

    /// Decodes a limit that a response must contain.
    init(decoded message: UnsafeMutablePointer<Proto.Limit>?) throws(RlimitError) {
        guard let message = unsafe message, let limit = unsafe Limit(reading: message) else {
            throw .malformed("an answer that lacks a limit, or half of one")
        }
        self = limit
    }

    /// Decodes a limit that a response may contain.
    static func decoded(_ message: UnsafeMutablePointer<Proto.Limit>?) throws(RlimitError) -> Limit? {
        guard let message = unsafe message else { return nil }
        return try unsafe Limit(decoded: message)
    }

    func write(to arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Limit> {
        let message = try unsafe arena.message(rlimitd__v1__limit__init)
        unsafe message.pointee.has_soft = 1
        unsafe message.pointee.soft = soft.rawValue
        unsafe message.pointee.has_hard = 1
        unsafe message.pointee.hard = hard.rawValue
        return unsafe message
    }
}

extension Reply {
    /// The reply to `get`. Omits unknown resources.
    init(reading message: UnsafePointer<Proto.LimitList>) throws(RlimitError) {
        var resources = ResourceSet.none
        var limits = Limits()
        let entries = unsafe elements(message.pointee.limits, message.pointee.n_limits)
        for index in entries.indices {
            guard let entry = unsafe entries[index], let resource = unsafe Resource(number: entry.pointee.resource)
            else {
                continue
            }
            guard resources.insert(resource) else { throw .malformed("an answer with two limits for \(resource)") }
            limits[resource] = try unsafe Limit(decoded: entry.pointee.limit)
        }
        self = .limits(resources, limits)
    }
}

extension Arena {
    mutating func limits(
        _ resources: ResourceSet, _ limits: Limits
    ) throws(ArenaFull) -> UnsafeMutablePointer<Proto.LimitList> {
        let list = try unsafe message(rlimitd__v1__limit_list__init)
        let entries = try unsafe pointers(to: Proto.ResourceLimit.self, count: resources.count)
        unsafe list.pointee.limits = entries
        for resource in resources {
            let entry = try unsafe message(rlimitd__v1__resource_limit__init)
            unsafe entry.pointee.has_resource = 1
            unsafe entry.pointee.resource = resource.number
            unsafe entry.pointee.limit = try limits[resource].write(to: &self)
            unsafe entries[list.pointee.n_limits] = entry
            unsafe list.pointee.n_limits += 1
        }
        return unsafe list
    }
}

extension Resource {
    // The protocol numbers the resources in the order of the Linux headers, from 1; 0 means none.
    init?(number: Proto.Resource) {
        guard let resource = Resource(index: Int(number.rawValue) - 1) else { return nil }
        self = resource
    }

    var number: Proto.Resource { Proto.Resource(rawValue: UInt32(index + 1)) }
}
