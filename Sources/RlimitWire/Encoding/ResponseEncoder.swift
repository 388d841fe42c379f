import CProtobufC
import CRlimitProto
package import RlimitModel

/// Encodes responses into frames, in the agent.
package struct ResponseEncoder: ~Copyable {
    private var arena = Arena(capacity: Arena.requestCapacity)
    private var limitReplyCache = try? LimitReplyCache()

    package init() {}

    private static let tooLong = RlimitError(.internalError, message: "the answer is too long for a frame")

    /// Appends the frame of a response. `.processes` and `.leases` may take several frames; all but the last have
    /// `more`, and the last has the `more` of the response. Another response that does not fit in a frame becomes an
    /// internal error.
    package mutating func encode(_ response: Response, into output: inout ByteQueue) {
        let isWritten =
            switch response.outcome {
            case .success(.processes(let results, let isIncomplete)):
                appendParts(of: results, isIncomplete: isIncomplete, as: response, to: &output)
            case .success(.leases(let leases)): appendParts(of: leases, as: response, to: &output)
            default: append(response, to: &output)
            }
        if !isWritten { _ = append(Response(id: response.id, .failure(Self.tooLong)), to: &output) }
    }

    /// Appends the frame of the response to a get of one limit.
    package mutating func encode(
        _ limit: Limit, of resource: Resource, id: UInt64, into output: inout ByteQueue
    ) {
        if limitReplyCache?.encode(limit, of: resource, id: id, into: &output) != nil { return }
        var limits = Limits()
        limits[resource] = limit
        let resources = ResourceSet(only: resource)
        arena.reset()
        do throws(ArenaFull) {
            let message = try unsafe Response.envelope(id: id, in: &arena)
            unsafe message.pointee.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_LIMITS
            unsafe message.pointee.limits = try arena.limits(resources, limits)
            if unsafe output.appendFrame(of: &message.pointee.base, limit: Frame.maxResponseLength) { return }
        } catch {}
        _ = append(Response(id: id, .failure(Self.tooLong)), to: &output)
    }

    private mutating func appendParts(
        of results: [ProcessResult], isIncomplete: Bool, as response: Response, to output: inout ByteQueue
    ) -> Bool {
        while arena.capacity < Arena.partCapacity, arena.grow(upTo: Arena.partCapacity) {}
        var rest = results[...]
        repeat {
            arena.reset()
            do throws(ArenaFull) {
                let message = try unsafe response.envelope(in: &arena)
                let part = try ProcessListPart(of: rest, in: &arena)
                rest = rest.dropFirst(part.count)
                if !rest.isEmpty {
                    unsafe message.pointee.setMore()
                } else if isIncomplete {
                    unsafe part.message.pointee.has_incomplete = 1
                    unsafe part.message.pointee.incomplete = 1
                }
                unsafe message.pointee.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_PROCESSES
                unsafe message.pointee.processes = part.message
                guard unsafe output.appendFrame(of: &message.pointee.base, limit: Frame.maxResponseLength) else {
                    return false
                }
            } catch {
                // A result that does not fit in a frame becomes an error of its process.
                guard let first = rest.first, first.outcome != .failure(Self.tooLong) else { return false }
                rest[rest.startIndex].outcome = .failure(Self.tooLong)
            }
        } while !rest.isEmpty
        return true
    }

    private mutating func appendParts(
        of leases: [LeaseInfo], as response: Response, to output: inout ByteQueue
    ) -> Bool {
        while arena.capacity < Arena.partCapacity, arena.grow(upTo: Arena.partCapacity) {}
        var rest = leases[...]
        repeat {
            arena.reset()
            do throws(ArenaFull) {
                let message = try unsafe response.envelope(in: &arena)
                let part = try LeaseListPart(of: rest, in: &arena)
                rest = rest.dropFirst(part.count)
                if !rest.isEmpty { unsafe message.pointee.setMore() }
                unsafe message.pointee.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_LEASES
                unsafe message.pointee.leases = part.message
                guard unsafe output.appendFrame(of: &message.pointee.base, limit: Frame.maxResponseLength) else {
                    return false
                }
            } catch {
                return false
            }
        } while !rest.isEmpty
        return true
    }

    private mutating func append(_ response: Response, to output: inout ByteQueue) -> Bool {
        repeat {
            arena.reset()
            do throws(ArenaFull) {
                let message = try unsafe response.write(to: &arena)
                return unsafe output.appendFrame(of: &message.pointee.base, limit: Frame.maxResponseLength)
            } catch {
                continue
            }
        } while arena.grow(upTo: Arena.responseCapacity)
        return false
    }
}

extension Response {
    func write(to arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Response> {
        let message = try unsafe envelope(in: &arena)
        switch outcome {
        case .failure(let error):
            unsafe message.pointee.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_ERROR
            unsafe message.pointee.error = try error.write(to: &arena)
        case .success(let reply): try unsafe reply.write(to: message, in: &arena)
        }
        return unsafe message
    }

    /// The response message without its outcome.
    fileprivate func envelope(in arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Response> {
        let message = try unsafe Self.envelope(id: id, in: &arena)
        if more { unsafe message.pointee.setMore() }
        return unsafe message
    }

    fileprivate static func envelope(
        id: UInt64, in arena: inout Arena
    ) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Response> {
        let message = try unsafe arena.message(rlimitd__v1__response__init)
        unsafe message.pointee.has_id = 1
        unsafe message.pointee.id = id
        return unsafe message
    }
}

extension Proto.Response {
    fileprivate mutating func setMore() {
        unsafe has_more = 1
        unsafe more = 1
    }
}

extension Reply {
    fileprivate func write(
        to response: UnsafeMutablePointer<Proto.Response>, in arena: inout Arena
    ) throws(ArenaFull) {
        switch self {
        case .limits(let resources, let limits):
            unsafe response.pointee.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_LIMITS
            unsafe response.pointee.limits = try arena.limits(resources, limits)
        case .changes(let changes, let lease):
            unsafe response.pointee.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_CHANGES
            unsafe response.pointee.changes = try arena.changes(changes, lease)
        case .prlimit(let old, let rule, let warnings):
            let result = try unsafe arena.message(rlimitd__v1__prlimit_result__init)
            unsafe result.pointee.old = try old.write(to: &arena)
            unsafe result.pointee.rule = try arena.text(rule)
            unsafe result.pointee.warnings = try warnings.write(to: &arena)
            unsafe result.pointee.n_warnings = warnings.count
            unsafe response.pointee.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_PRLIMIT
            unsafe response.pointee.prlimit = result
        case .usage(let usage):
            unsafe response.pointee.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_USAGE
            unsafe response.pointee.usage = try usage.write(to: &arena)
        case .explanation(let explanation):
            unsafe response.pointee.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_EXPLANATION
            unsafe response.pointee.explanation = try explanation.write(to: &arena)
        case .lease(let lease):
            unsafe response.pointee.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_LEASE
            unsafe response.pointee.lease = try lease.write(to: &arena)
        case .restorations(let restorations):
            unsafe response.pointee.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_RESTORATIONS
            unsafe response.pointee.restorations = try arena.restorations(restorations)
        case .serverInfo(let info):
            unsafe response.pointee.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_SERVER_INFO
            unsafe response.pointee.server_info = try info.write(to: &arena)
        case .stats(let statistics):
            unsafe response.pointee.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_STATS
            unsafe response.pointee.stats = try statistics.write(to: &arena)
        // `appendParts` encodes these.
        case .processes, .leases: throw ArenaFull()
        }
    }
}
