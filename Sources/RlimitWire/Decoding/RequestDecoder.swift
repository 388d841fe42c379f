import CProtobufC
import CRlimitProto
package import RlimitModel

/// Decodes requests from untrusted bytes.
///
/// First, the strict validator rejects bytes that do not match the protocol exactly. Then protobuf-c unpacks them into
/// an arena of fixed size. Finally, every value is checked in the width with which it was sent.
@safe package struct RequestDecoder: ~Copyable {
    private var arena = Arena(capacity: Arena.requestCapacity)
    private var getCache = GetDecodeCache()
    private let descriptor: UnsafePointer<ProtobufCMessageDescriptor>?
    private let libraryFault: String?

    package init() {
        var message = unsafe Proto.Request()
        unsafe rlimitd__v1__request__init(&message)
        unsafe descriptor = message.base.descriptor
        libraryFault = ProtobufLibrary.fault
    }

    /// The get in the payload of a frame if it repeats the last one; otherwise nil, and `decode` must decode it.
    package func repeatedGet(_ payload: borrowing Span<UInt8>) -> PlainGet? { getCache.matching(payload) }

    /// Decodes the payload of one frame. Allocates nothing for an operation without text and with at most one edit.
    ///
    /// - Throws: `.malformed` if the bytes do not follow the protocol: the agent sends the error and closes the
    ///   connection. Any other code is the response to a request that is invalid or not known to this agent; the
    ///   connection continues.
    package mutating func decode(_ payload: borrowing Span<UInt8>) throws(RequestFault) -> Request {
        var validator = StrictValidator(.request)
        do throws(RlimitError) {
            let request = try decode(payload, &validator)
            if let get = PlainGet(request) { getCache.store(get, decodedFrom: payload) }
            return request
        } catch {
            throw RequestFault(id: validator.id, error: error)
        }
    }

    private mutating func decode(
        _ payload: borrowing Span<UInt8>, _ validator: inout StrictValidator
    ) throws(RlimitError) -> Request {
        if let libraryFault { throw RlimitError(.internalError, message: libraryFault) }
        guard let descriptor = unsafe descriptor else { throw RlimitError(.internalError) }
        guard payload.count <= Frame.maxRequestLength else { throw .malformed("a request too long for a frame") }
        try unsafe validator.validate(payload, as: descriptor)
        if let field = validator.unknownField {
            throw RlimitError(.unsupported, message: "\(field) is not known to this agent, so nothing was done")
        }
        guard !validator.hasLongList else { throw .tooManyEdits }
        arena.reset()
        guard let message = unsafe arena.unpack(payload, as: descriptor) else {
            throw .malformed("a request that is larger than it may be")
        }
        // The descriptor of Request unpacks a Request.
        let request = unsafe UnsafeRawPointer(message).assumingMemoryBound(to: Proto.Request.self)
        return try unsafe Request(reading: request)
    }
}

extension Request {
    init(reading message: UnsafePointer<Proto.Request>) throws(RlimitError) {
        let milliseconds = unsafe UInt64(message.pointee.timeout_ms)
        guard milliseconds <= RequestBounds.maxTimeoutMilliseconds else {
            throw RlimitError(
                .invalidArgument,
                message: "a timeout of \(milliseconds) ms is longer than \(RequestBounds.maxTimeoutMilliseconds) ms")
        }
        self.init(
            id: unsafe message.pointee.id, timeout: milliseconds == 0 ? nil : .milliseconds(milliseconds),
            isExplain: unsafe message.pointee.operation_case == RLIMITD__V1__REQUEST__OPERATION_EXPLAIN,
            try unsafe Operation(reading: message))
    }
}

extension Request.Operation {
    init(reading request: UnsafePointer<Proto.Request>) throws(RlimitError) {
        switch unsafe request.pointee.operation_case {
        case RLIMITD__V1__REQUEST__OPERATION_GET: try unsafe self.init(reading: unpacked(request.pointee.get))
        case RLIMITD__V1__REQUEST__OPERATION_SET: try unsafe self.init(reading: unpacked(request.pointee.set))
        case RLIMITD__V1__REQUEST__OPERATION_PRLIMIT: try unsafe self.init(reading: unpacked(request.pointee.prlimit))
        case RLIMITD__V1__REQUEST__OPERATION_USAGE: try unsafe self.init(reading: unpacked(request.pointee.usage))
        case RLIMITD__V1__REQUEST__OPERATION_EXPLAIN: try unsafe self.init(explained: unpacked(request.pointee.explain))
        case RLIMITD__V1__REQUEST__OPERATION_LEASE_RENEW:
            let renewal = try unsafe unpacked(request.pointee.lease_renew).pointee
            let lease = try unsafe LeaseInfo.ID(reading: present(renewal.has_lease, renewal.lease))
            self = .leaseRenew(lease, try LeaseTerm(milliseconds: unsafe renewal.duration_ms))
        case RLIMITD__V1__REQUEST__OPERATION_LEASE_RELEASE:
            let release = try unsafe unpacked(request.pointee.lease_release).pointee
            self = .leaseRelease(try unsafe LeaseInfo.ID(reading: present(release.has_lease, release.lease)))
        case RLIMITD__V1__REQUEST__OPERATION_LEASE_LIST: self = .leaseList
        case RLIMITD__V1__REQUEST__OPERATION_SERVER_INFO: self = .serverInfo
        case RLIMITD__V1__REQUEST__OPERATION_STATS: self = .stats
        case RLIMITD__V1__REQUEST__OPERATION_LEASE_STATUS: throw .notBuilt("lease_status", .leaseStatus)
        case RLIMITD__V1__REQUEST__OPERATION_ATTEST: throw .notBuilt("attest", .podFacts)
        case RLIMITD__V1__REQUEST__OPERATION_DECLARE: throw .notBuilt("declare", .declare)
        default: throw RlimitError(.invalidArgument, message: "the request names no operation")
        }
    }

    private init(explained explain: UnsafePointer<Proto.Explain>) throws(RlimitError) {
        // A request for fewer facts than it asks for would be answered as if there were none.
        if unsafe present(explain.pointee.has_steps, explain.pointee.steps) == 1 {
            throw .notBuilt("the list of steps in explain", .explainSteps)
        }
        switch unsafe explain.pointee.operation_case {
        case RLIMITD__V1__EXPLAIN__OPERATION_GET: try unsafe self.init(reading: unpacked(explain.pointee.get))
        case RLIMITD__V1__EXPLAIN__OPERATION_SET: try unsafe self.init(reading: unpacked(explain.pointee.set))
        case RLIMITD__V1__EXPLAIN__OPERATION_PRLIMIT: try unsafe self.init(reading: unpacked(explain.pointee.prlimit))
        case RLIMITD__V1__EXPLAIN__OPERATION_USAGE: try unsafe self.init(reading: unpacked(explain.pointee.usage))
        case RLIMITD__V1__EXPLAIN__OPERATION_DECLARE: throw .notBuilt("declare", .declare)
        default: throw RlimitError(.invalidArgument, message: "no operation to explain")
        }
    }
}

extension RlimitError {
    /// A part of the contract that this agent does not have. Clients find its feature word in `server_info`, or not.
    fileprivate static func notBuilt(_ part: String, _ feature: Feature) -> RlimitError {
        RlimitError(
            .unsupported,
            message: "this agent does not have \(part): its feature words do not include \"\(feature.rawValue)\"")
    }
}

/// The error of a request that cannot be decoded.
///
/// `.malformed` means that the peer does not follow the protocol: the agent sends the error and closes the connection.
/// After any other code, the connection continues.
package struct RequestFault: Error, Hashable {
    /// The id of the request; 0 if none could be read.
    package var id: UInt64
    package var error: RlimitError

    package init(id: UInt64, error: RlimitError) {
        self.id = id
        self.error = error
    }
}

/// The bounds that PROTOCOL.md states for the fields of a request.
package enum RequestBounds {
    /// Maximum of `Request.timeout_ms`: an hour.
    package static let maxTimeoutMilliseconds: UInt64 = 3_600_000
    /// Maximum of `Lease.duration_ms`: 365 days.
    package static let maxLeaseMilliseconds: UInt64 = 31_536_000_000
    /// Maximum size of the path of a cgroup or pod in bytes.
    package static let maxPathLength = 1024
    /// Maximum size of a lease id in bytes.
    package static let maxLeaseIDLength = LeaseInfo.ID.maxByteCount
}
