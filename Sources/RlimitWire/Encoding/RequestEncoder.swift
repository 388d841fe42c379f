import CProtobufC
import CRlimitProto
package import RlimitModel

/// Encodes requests into frames, in the client.
package struct RequestEncoder: ~Copyable {
    private var arena = Arena(capacity: Arena.requestCapacity)

    // The last get: clients often repeat a get.
    private var getCache = GetEncodeCache()

    package init() {}

    /// Appends the frame of a request. Omits a timeout above the maximum of the protocol: the client measures the time
    /// itself.
    ///
    /// - Throws: `.invalidArgument` for a request that the protocol cannot express; then appends nothing.
    package mutating func encode(_ request: Request, into output: inout ByteQueue) throws(RlimitError) {
        try encode(
            request.operation, id: request.id, milliseconds: request.timeout?.milliseconds,
            isExplain: request.isExplain, into: &output)
    }

    /// Appends the frame of a request from its parts, which saves creating a `Request`.
    package mutating func encode(
        _ operation: Request.Operation, id: UInt64, milliseconds: UInt64?, isExplain: Bool,
        into output: inout ByteQueue
    ) throws(RlimitError) {
        let wireTimeout = RequestBounds.wireTimeout(milliseconds)
        if !isExplain, getCache.append(operation, id: id, milliseconds: wireTimeout, to: &output) { return }
        let before = output.count
        let timeout = wireTimeout.map { Duration.milliseconds($0) }
        try encodeUncached(Request(id: id, timeout: timeout, isExplain: isExplain, operation), into: &output)
        guard !isExplain else { return }
        getCache.store(operation, id: id, milliseconds: wireTimeout, from: output, length: output.count - before)
    }

    private mutating func encodeUncached(_ request: Request, into output: inout ByteQueue) throws(RlimitError) {
        try request.checkEncodable()
        arena.reset()
        let isAppended: Bool
        do throws(ArenaFull) {
            let message = try unsafe request.write(to: &arena)
            isAppended = unsafe output.appendFrame(of: &message.pointee.base, limit: Frame.maxRequestLength)
        } catch {
            isAppended = false
        }
        guard isAppended else {
            throw RlimitError(.invalidArgument, message: "a request of more than \(Frame.maxRequestLength) bytes")
        }
    }
}

extension RequestBounds {
    /// The encoded timeout; nil if it exceeds the maximum of the protocol.
    fileprivate static func wireTimeout(_ milliseconds: UInt64?) -> UInt32? {
        guard let milliseconds, milliseconds <= maxTimeoutMilliseconds else { return nil }
        // 0 would mean no timeout, so an expired timeout becomes the minimum.
        return UInt32(max(1, milliseconds))
    }
}

extension Request {
    /// Checks values that the model permits and the protocol does not.
    func checkEncodable() throws(RlimitError) {
        switch operation {
        case .set(_, _, lease: let term?): try term.check()
        case .leaseRenew(let lease, let term):
            try lease.check()
            try term.check()
        case .leaseRelease(let lease): try lease.check()
        case .get, .set, .prlimit, .usage, .threadUsage, .leaseList, .serverInfo, .stats: break
        }
        guard !isExplain || operation.isExplainable else {
            throw RlimitError(.invalidArgument, message: "this operation cannot be explained")
        }
    }

    func write(to arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Request> {
        let message = try unsafe arena.message(rlimitd__v1__request__init)
        unsafe message.pointee.has_id = 1
        unsafe message.pointee.id = id
        if let milliseconds = RequestBounds.wireTimeout(timeout?.milliseconds) {
            unsafe message.pointee.has_timeout_ms = 1
            unsafe message.pointee.timeout_ms = milliseconds
        }
        if isExplain {
            let explain = try unsafe arena.message(rlimitd__v1__explain__init)
            try unsafe operation.write(to: explain, in: &arena)
            unsafe message.pointee.operation_case = RLIMITD__V1__REQUEST__OPERATION_EXPLAIN
            unsafe message.pointee.explain = explain
        } else {
            try unsafe operation.write(to: message, in: &arena)
        }
        return unsafe message
    }
}

extension Request.Operation {
    fileprivate func write(
        to request: UnsafeMutablePointer<Proto.Request>, in arena: inout Arena
    ) throws(ArenaFull) {
        switch self {
        case .get(let target, let resources):
            unsafe request.pointee.operation_case = RLIMITD__V1__REQUEST__OPERATION_GET
            unsafe request.pointee.get = try arena.get(target, resources)
        case .set(let target, let edits, let term):
            unsafe request.pointee.operation_case = RLIMITD__V1__REQUEST__OPERATION_SET
            unsafe request.pointee.set = try arena.set(target, edits, term)
        case .prlimit(let target, let resource, let new):
            unsafe request.pointee.operation_case = RLIMITD__V1__REQUEST__OPERATION_PRLIMIT
            unsafe request.pointee.prlimit = try arena.prlimit(target, resource, new)
        case .usage(let target, let scope):
            unsafe request.pointee.operation_case = RLIMITD__V1__REQUEST__OPERATION_USAGE
            unsafe request.pointee.usage = try arena.usage(target, scope.number)
        case .threadUsage(let target, let thread):
            unsafe request.pointee.operation_case = RLIMITD__V1__REQUEST__OPERATION_USAGE
            unsafe request.pointee.usage = try arena.usage(target, thread: thread)
        case .leaseRenew(let lease, let term):
            let renewal = try unsafe arena.message(rlimitd__v1__lease_renew__init)
            unsafe renewal.pointee.has_lease = 1
            unsafe renewal.pointee.lease = try arena.data(lease.bytes)
            unsafe renewal.pointee.has_duration_ms = 1
            unsafe renewal.pointee.duration_ms = term.milliseconds
            unsafe request.pointee.operation_case = RLIMITD__V1__REQUEST__OPERATION_LEASE_RENEW
            unsafe request.pointee.lease_renew = renewal
        case .leaseRelease(let lease):
            let release = try unsafe arena.message(rlimitd__v1__lease_release__init)
            unsafe release.pointee.has_lease = 1
            unsafe release.pointee.lease = try arena.data(lease.bytes)
            unsafe request.pointee.operation_case = RLIMITD__V1__REQUEST__OPERATION_LEASE_RELEASE
            unsafe request.pointee.lease_release = release
        case .leaseList:
            unsafe request.pointee.operation_case = RLIMITD__V1__REQUEST__OPERATION_LEASE_LIST
            unsafe request.pointee.lease_list = try arena.message(rlimitd__v1__lease_list__init)
        case .serverInfo:
            unsafe request.pointee.operation_case = RLIMITD__V1__REQUEST__OPERATION_SERVER_INFO
            unsafe request.pointee.server_info = try arena.message(rlimitd__v1__get_server_info__init)
        case .stats:
            unsafe request.pointee.operation_case = RLIMITD__V1__REQUEST__OPERATION_STATS
            unsafe request.pointee.stats = try arena.message(rlimitd__v1__get_stats__init)
        }
    }

    fileprivate func write(
        to explain: UnsafeMutablePointer<Proto.Explain>, in arena: inout Arena
    ) throws(ArenaFull) {
        switch self {
        case .get(let target, let resources):
            unsafe explain.pointee.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_GET
            unsafe explain.pointee.get = try arena.get(target, resources)
        case .set(let target, let edits, let term):
            unsafe explain.pointee.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_SET
            unsafe explain.pointee.set = try arena.set(target, edits, term)
        case .prlimit(let target, let resource, let new):
            unsafe explain.pointee.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_PRLIMIT
            unsafe explain.pointee.prlimit = try arena.prlimit(target, resource, new)
        case .usage(let target, let scope):
            unsafe explain.pointee.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_USAGE
            unsafe explain.pointee.usage = try arena.usage(target, scope.number)
        case .threadUsage(let target, let thread):
            unsafe explain.pointee.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_USAGE
            unsafe explain.pointee.usage = try arena.usage(target, thread: thread)
        case .leaseRenew, .leaseRelease, .leaseList, .serverInfo, .stats:
            break  // checkEncodable rejects these
        }
    }
}
