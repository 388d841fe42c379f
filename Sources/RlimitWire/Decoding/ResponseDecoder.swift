import CProtobufC
import CRlimitProto
package import RlimitModel

/// Decodes responses in the client. Checks the bytes as strictly as the agent checks requests, but ignores unknown
/// fields, because the agent may be newer than the client.
@safe package struct ResponseDecoder: ~Copyable {
    private var arena = Arena(capacity: Arena.requestCapacity)
    // The last response to a get. Limits rarely change, so the next response is often equal.
    private var lastMessage = LastMessageCache()
    /// The limits of the last response to a get.
    package private(set) var repeatedLimits = DecodedLimits(resources: .none, limits: Limits())
    private var found: Response?
    private let descriptor: UnsafePointer<ProtobufCMessageDescriptor>?
    private let libraryFault: String?

    package init() {
        var message = unsafe Proto.Response()
        unsafe rlimitd__v1__response__init(&message)
        unsafe descriptor = message.base.descriptor
        libraryFault = ProtobufLibrary.fault
    }

    /// Decodes the payload of one frame. An unknown kind of outcome becomes the failure `.unsupported` of that request.
    ///
    /// - Throws: `.malformed`; later bytes of the connection cannot be interpreted.
    package mutating func decode(_ payload: borrowing Span<UInt8>) throws(RlimitError) -> Response {
        if let id = lastMessage.id(of: payload) {
            return Response(id: id, .success(.limits(repeatedLimits.resources, repeatedLimits.limits)))
        }
        let response = try unpack(payload)
        if case .success(.limits(let resources, let limits)) = response.outcome, !response.more {
            lastMessage.store(payload, id: response.id)
            repeatedLimits = DecodedLimits(resources: resources, limits: limits)
        }
        return response
    }

    /// The result of looking at the front of the input.
    package enum Step {
        /// The response is incomplete.
        case incomplete
        /// A response with the same limits as the last one. `repeatedLimits` has them, so they are not copied.
        case repeated(id: UInt64)
        /// A response that `takeResponse` returns. Not part of this case, which would make every step large.
        case response(id: UInt64)
    }

    /// Removes the first frame from the input, if it is complete.
    ///
    /// - Throws: `.malformed`; later bytes of the connection cannot be interpreted.
    package mutating func step(in input: inout ByteQueue) throws(RlimitError) -> Step {
        var end = 0
        let step = try input.withBytes { bytes throws(RlimitError) -> Step in
            guard let payload = try Frame.payload(in: bytes, from: 0, limit: Frame.maxResponseLength) else {
                return .incomplete
            }
            end = payload.upperBound
            let message = bytes.extracting(payload)
            if let id = lastMessage.id(of: message) { return .repeated(id: id) }
            let response = try decode(message)
            found = response
            return .response(id: response.id)
        }
        input.consume(end)
        return step
    }

    /// Returns and removes the response of the last step.
    package mutating func takeResponse() -> Response? { found.take() }

    private mutating func unpack(_ payload: borrowing Span<UInt8>) throws(RlimitError) -> Response {
        if let libraryFault { throw RlimitError(.internalError, message: libraryFault) }
        guard let descriptor = unsafe descriptor else { throw RlimitError(.internalError) }
        guard payload.count <= Frame.maxResponseLength else { throw .malformed("a response too long for a frame") }
        var validator = StrictValidator(.response)
        try unsafe validator.validate(payload, as: descriptor)
        repeat {
            arena.reset()
            guard let message = unsafe arena.unpack(payload, as: descriptor) else { continue }
            // The descriptor of Response unpacks a Response.
            return try unsafe Response(reading: UnsafeRawPointer(message).assumingMemoryBound(to: Proto.Response.self))
        } while arena.grow(upTo: Arena.decoderCapacity)
        throw .malformed("a response that is larger than it may be")
    }
}

extension Response {
    init(reading message: UnsafePointer<Proto.Response>) throws(RlimitError) {
        try self.init(
            id: unsafe message.pointee.id, more: unsafe message.pointee.more != 0,
            unsafe Self.outcome(reading: message))
    }

    private static func outcome(
        reading response: UnsafePointer<Proto.Response>
    ) throws(RlimitError) -> Result<Reply, RlimitError> {
        switch unsafe response.pointee.outcome_case {
        case RLIMITD__V1__RESPONSE__OUTCOME_ERROR:
            return .failure(try unsafe RlimitError(reading: unpacked(response.pointee.error)))
        case RLIMITD__V1__RESPONSE__OUTCOME_LIMITS:
            return .success(try unsafe Reply(reading: unpacked(response.pointee.limits)))
        case RLIMITD__V1__RESPONSE__OUTCOME_CHANGES:
            return .success(try unsafe Reply(reading: unpacked(response.pointee.changes)))
        case RLIMITD__V1__RESPONSE__OUTCOME_PRLIMIT:
            let result = try unsafe unpacked(response.pointee.prlimit).pointee
            return .success(
                .prlimit(
                    old: try unsafe Limit(decoded: result.old), rule: try unsafe WireText.readName(result.rule),
                    warnings: unsafe Set(numbers: result.warnings, result.n_warnings)))
        case RLIMITD__V1__RESPONSE__OUTCOME_USAGE:
            return .success(.usage(try unsafe Usage(reading: unpacked(response.pointee.usage))))
        case RLIMITD__V1__RESPONSE__OUTCOME_EXPLANATION:
            return .success(.explanation(try unsafe Explanation(reading: unpacked(response.pointee.explanation))))
        case RLIMITD__V1__RESPONSE__OUTCOME_LEASE:
            return .success(.lease(try unsafe LeaseInfo(reading: unpacked(response.pointee.lease))))
        case RLIMITD__V1__RESPONSE__OUTCOME_RESTORATIONS:
            return .success(.restorations(try unsafe [Restoration](reading: unpacked(response.pointee.restorations))))
        case RLIMITD__V1__RESPONSE__OUTCOME_LEASES:
            return .success(.leases(try unsafe [LeaseInfo](reading: unpacked(response.pointee.leases))))
        case RLIMITD__V1__RESPONSE__OUTCOME_SERVER_INFO:
            return .success(.serverInfo(try unsafe AgentInfo(reading: unpacked(response.pointee.server_info))))
        case RLIMITD__V1__RESPONSE__OUTCOME_STATS:
            return .success(.stats(try unsafe Statistics(reading: unpacked(response.pointee.stats))))
        case RLIMITD__V1__RESPONSE__OUTCOME_PROCESSES:
            return .success(try unsafe Reply(reading: unpacked(response.pointee.processes)))
        default:
            return .failure(.unknownOutcome)
        }
    }
}

/// The limits of a response, as trivial values.
package struct DecodedLimits: Sendable {
    package let resources: ResourceSet
    package let limits: Limits
}
