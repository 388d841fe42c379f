import CRlimitProto
import RlimitModel

// Decoding and encoding of the operations with a target. Each can also be inside an Explain.

extension Request.Operation {
    init(reading get: UnsafePointer<Proto.Get>) throws(RlimitError) {
        let target = try unsafe Request.Target(reading: get.pointee.target)
        let count = unsafe get.pointee.n_resources
        guard let numbers = unsafe get.pointee.resources, count > 0 else {
            self = .get(target, .all)
            return
        }
        var resources = ResourceSet.none
        for index in 0..<count {
            let number = unsafe numbers[index]
            guard let resource = Resource(number: number) else { throw .unknownResource(number) }
            guard resources.insert(resource) else {
                throw RlimitError(.invalidArgument, message: "\(resource) is asked for twice", resource: resource)
            }
        }
        self = .get(target, resources)
    }

    init(reading set: UnsafePointer<Proto.Set>) throws(RlimitError) {
        let target = try unsafe Request.Target(reading: set.pointee.target)
        let count = unsafe set.pointee.n_edits
        guard let edits = unsafe set.pointee.edits, count > 0 else {
            throw .noEdits
        }
        guard count <= EditBatch.capacity else { throw .tooManyEdits }
        var batch = EditBatch(reserving: count)
        var resources = ResourceSet.none
        for index in 0..<count {
            guard let message = unsafe edits[index] else { continue }
            let edit = try unsafe NumericEdit(reading: message, at: index)
            guard resources.insert(edit.resource) else {
                throw .repeatedEdit(of: edit.resource, at: index)
            }
            batch.append(edit)
        }
        var term: LeaseTerm?
        if let lease = unsafe set.pointee.lease {
            term = try LeaseTerm(milliseconds: unsafe lease.pointee.duration_ms)
        }
        self = .set(target, batch, lease: term)
    }

    init(reading prlimit: UnsafePointer<Proto.Prlimit>) throws(RlimitError) {
        let target = try unsafe Request.Target(reading: prlimit.pointee.target)
        guard let number = unsafe present(prlimit.pointee.has_resource, prlimit.pointee.resource) else {
            throw RlimitError(.invalidArgument, message: "prlimit names no resource")
        }
        guard let resource = Resource(number: number) else { throw .unknownResource(number) }
        var new: Limit?
        if let message = unsafe prlimit.pointee.new_limit {
            guard let limit = unsafe Limit(reading: message) else {
                throw RlimitError(
                    .invalidArgument, message: "new_limit has only one of soft and hard", resource: resource)
            }
            guard limit.soft <= limit.hard else { throw .softExceedsHard(limit.soft, limit.hard, resource) }
            new = limit
        }
        self = .prlimit(target, resource, new)
    }

    init(reading usage: UnsafePointer<Proto.GetUsage>) throws(RlimitError) {
        let target = try unsafe Request.Target(reading: usage.pointee.target)
        let scope = unsafe usage.pointee.scope
        let thread = unsafe present(usage.pointee.has_thread, usage.pointee.thread)
        if scope == RLIMITD__V1__USAGE_SCOPE__USAGE_SCOPE_THREAD {
            guard let thread else {
                throw RlimitError(.invalidArgument, message: "usage of a thread, but no thread is named")
            }
            self = .threadUsage(target, thread: try Request.Target.pid(thread, "thread"))
            return
        }
        guard let scope = Usage.Scope(number: scope) else {
            throw RlimitError(.invalidArgument, message: "unknown scope of usage \(scope.rawValue)")
        }
        guard thread == nil else {
            throw RlimitError(.invalidArgument, message: "a thread is named, but the scope is not the thread's")
        }
        self = .usage(target, scope)
    }
}

extension RlimitError {
    static var tooManyEdits: RlimitError {
        RlimitError(.invalidArgument, message: "more than \(EditBatch.capacity) edits in one request")
    }
}

extension Arena {
    mutating func get(
        _ target: Request.Target, _ resources: ResourceSet
    ) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Get> {
        let message = try unsafe message(rlimitd__v1__get__init)
        unsafe message.pointee.target = try target.write(to: &self)
        guard resources != .all else { return unsafe message }
        let numbers = try unsafe allocate(Proto.Resource.self, count: resources.count)
        for resource in resources {
            unsafe numbers[message.pointee.n_resources] = resource.number
            unsafe message.pointee.n_resources += 1
        }
        unsafe message.pointee.resources = numbers
        return unsafe message
    }

    mutating func set(
        _ target: Request.Target, _ edits: EditBatch, _ term: LeaseTerm?
    ) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Set> {
        let message = try unsafe message(rlimitd__v1__set__init)
        unsafe message.pointee.target = try target.write(to: &self)
        let entries = try unsafe pointers(to: Proto.Edit.self, count: edits.count)
        unsafe message.pointee.edits = entries
        for edit in edits {
            unsafe entries[message.pointee.n_edits] = try edit.write(to: &self)
            unsafe message.pointee.n_edits += 1
        }
        guard let term else { return unsafe message }
        let lease = try unsafe self.message(rlimitd__v1__lease__init)
        unsafe lease.pointee.has_duration_ms = 1
        unsafe lease.pointee.duration_ms = term.milliseconds
        unsafe message.pointee.lease = lease
        return unsafe message
    }

    mutating func prlimit(
        _ target: Request.Target, _ resource: Resource, _ new: Limit?
    ) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Prlimit> {
        let message = try unsafe message(rlimitd__v1__prlimit__init)
        unsafe message.pointee.target = try target.write(to: &self)
        unsafe message.pointee.has_resource = 1
        unsafe message.pointee.resource = resource.number
        if let new { unsafe message.pointee.new_limit = try new.write(to: &self) }
        return unsafe message
    }

    mutating func usage(
        _ target: Request.Target, _ scope: Proto.UsageScope
    ) throws(ArenaFull) -> UnsafeMutablePointer<Proto.GetUsage> {
        let message = try unsafe message(rlimitd__v1__get_usage__init)
        unsafe message.pointee.target = try target.write(to: &self)
        guard scope != RLIMITD__V1__USAGE_SCOPE__USAGE_SCOPE_PROCESS else { return unsafe message }
        unsafe message.pointee.has_scope = 1
        unsafe message.pointee.scope = scope
        return unsafe message
    }

    mutating func usage(
        _ target: Request.Target, thread: Int32
    ) throws(ArenaFull) -> UnsafeMutablePointer<Proto.GetUsage> {
        let message = try unsafe usage(target, RLIMITD__V1__USAGE_SCOPE__USAGE_SCOPE_THREAD)
        unsafe message.pointee.has_thread = 1
        // A negative number becomes one above the maximum, which the agent also rejects.
        unsafe message.pointee.thread = UInt64(bitPattern: Int64(thread))
        return unsafe message
    }
}
