import CProtobufC
import CRlimitProto
package import RlimitModel

/// Responses to frames: the agent's half.
package struct ResponseEncoder: ~Copyable {
    private var arena = Arena(capacity: Arena.requestCapacity)

    package init() {}

    /// Appends the frame of a response. What does not fit a frame is answered as the agent's own fault instead.
    package mutating func encode(_ response: Response, into output: inout ByteQueue) {
        if append(response, to: &output) { return }
        let tooLong = RlimitError(.internalError, message: "the answer is too long for a frame")
        _ = append(Response(id: response.id, .failure(tooLong)), to: &output)
    }

    private mutating func append(_ response: Response, to output: inout ByteQueue) -> Bool {
        repeat {
            arena.reset()
            do throws(ArenaFull) {
                let message = try unsafe response.write(to: &arena)
                return unsafe output.appendFrame(of: &message.pointee.base, limit: Frame.greatestResponse)
            } catch {
                continue
            }
        } while arena.grow(upTo: Arena.responseCapacity)
        return false
    }
}

extension Response {
    func write(to arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.Response> {
        let message = try unsafe arena.message(rlimitd__v1__response__init)
        unsafe message.pointee.has_id = 1
        unsafe message.pointee.id = id
        if more {
            unsafe message.pointee.has_more = 1
            unsafe message.pointee.more = 1
        }
        switch outcome {
        case .failure(let error):
            unsafe message.pointee.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_ERROR
            unsafe message.pointee.error = try error.write(to: &arena)
        case .success(let reply): try unsafe reply.write(to: message, in: &arena)
        }
        return unsafe message
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
        case .changes(let changes):
            let list = try unsafe arena.message(rlimitd__v1__change_list__init)
            let entries = try unsafe arena.pointers(to: Proto.Change.self, count: changes.count)
            unsafe list.pointee.changes = entries
            unsafe list.pointee.n_changes = changes.count
            for index in changes.indices { unsafe entries[index] = try changes[index].write(to: &arena) }
            unsafe response.pointee.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_CHANGES
            unsafe response.pointee.changes = list
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
        case .serverInfo(let info):
            unsafe response.pointee.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_SERVER_INFO
            unsafe response.pointee.server_info = try info.write(to: &arena)
        case .stats(let statistics):
            unsafe response.pointee.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_STATS
            unsafe response.pointee.stats = try statistics.write(to: &arena)
        case .processes: throw ArenaFull()
        }
    }
}
