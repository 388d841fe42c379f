import CRlimitProto
import RlimitModel

extension Reply {
    /// What answers get. A resource that is not known here is left out.
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

/// The messages of a list, as protobuf-c unpacked it.
func elements<Message>(
    _ list: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?, _ count: Int
) -> UnsafeBufferPointer<UnsafeMutablePointer<Message>?> {
    unsafe UnsafeBufferPointer(start: list, count: list == nil ? 0 : count)
}
