import CRlimitProto
import RlimitModel

// The results for the processes of a cgroup or pod, as many in one response as fit.

extension ProcessResult {
    /// An unknown kind of outcome becomes the failure `.unsupported` of that process.
    init(reading message: UnsafePointer<Proto.ProcessResult>) throws(RlimitError) {
        let number = unsafe message.pointee.pid
        guard let pid = Int32(exactly: number), pid <= Request.maxPID else {
            throw .malformed("a response about process \(number), which is not a valid process id")
        }
        self.init(pid: pid == 0 ? nil : pid, try unsafe Self.outcome(reading: message))
    }

    private static func outcome(
        reading message: UnsafePointer<Proto.ProcessResult>
    ) throws(RlimitError) -> Result<Reply, RlimitError> {
        switch unsafe message.pointee.outcome_case {
        case RLIMITD__V1__PROCESS_RESULT__OUTCOME_ERROR:
            .failure(try unsafe RlimitError(reading: unpacked(message.pointee.error)))
        case RLIMITD__V1__PROCESS_RESULT__OUTCOME_LIMITS:
            .success(try unsafe Reply(reading: unpacked(message.pointee.limits)))
        case RLIMITD__V1__PROCESS_RESULT__OUTCOME_CHANGES:
            .success(try unsafe Reply(reading: unpacked(message.pointee.changes)))
        case RLIMITD__V1__PROCESS_RESULT__OUTCOME_USAGE:
            .success(.usage(try unsafe Usage(reading: unpacked(message.pointee.usage))))
        default:
            .failure(.unknownOutcome)
        }
    }

    func write(to arena: inout Arena) throws(ArenaFull) -> UnsafeMutablePointer<Proto.ProcessResult> {
        let message = try unsafe arena.message(rlimitd__v1__process_result__init)
        if let pid {
            unsafe message.pointee.has_pid = 1
            unsafe message.pointee.pid = UInt64(pid.magnitude)
        }
        switch outcome {
        case .success(.limits(let resources, let limits)):
            unsafe message.pointee.outcome_case = RLIMITD__V1__PROCESS_RESULT__OUTCOME_LIMITS
            unsafe message.pointee.limits = try arena.limits(resources, limits)
        case .success(.changes(let changes, let lease)):
            unsafe message.pointee.outcome_case = RLIMITD__V1__PROCESS_RESULT__OUTCOME_CHANGES
            unsafe message.pointee.changes = try arena.changes(changes, lease)
        case .success(.usage(let usage)):
            unsafe message.pointee.outcome_case = RLIMITD__V1__PROCESS_RESULT__OUTCOME_USAGE
            unsafe message.pointee.usage = try usage.write(to: &arena)
        case .success:
            unsafe message.pointee.outcome_case = RLIMITD__V1__PROCESS_RESULT__OUTCOME_ERROR
            unsafe message.pointee.error = try RlimitError(.internalError).write(to: &arena)
        case .failure(let error):
            unsafe message.pointee.outcome_case = RLIMITD__V1__PROCESS_RESULT__OUTCOME_ERROR
            unsafe message.pointee.error = try error.write(to: &arena)
        }
        return unsafe message
    }
}

extension Reply {
    /// The reply to an operation on a cgroup or pod.
    init(reading message: UnsafePointer<Proto.ProcessResultList>) throws(RlimitError) {
        var results: [ProcessResult] = []
        let entries = unsafe elements(message.pointee.results, message.pointee.n_results)
        results.reserveCapacity(entries.count)
        for index in entries.indices {
            if let entry = unsafe entries[index] { results.append(try unsafe ProcessResult(reading: entry)) }
        }
        self = .processes(results, isIncomplete: unsafe message.pointee.incomplete != 0)
    }
}

/// The first results of a list, as one message that fits in a frame.
@safe struct ProcessListPart {
    /// The number of results in it: at least one, if there is any.
    let count: Int
    let message: UnsafeMutablePointer<Proto.ProcessResultList>

    /// - Throws: `ArenaFull` if not even one result fits.
    init(of results: ArraySlice<ProcessResult>, in arena: inout Arena) throws(ArenaFull) {
        let list = try unsafe arena.message(rlimitd__v1__process_result_list__init)
        let part = try unsafe ListPart(of: results, in: &arena) { result, arena throws(ArenaFull) in
            try unsafe result.write(to: &arena)
        }
        unsafe list.pointee.results = part.entries
        unsafe list.pointee.n_results = part.count
        count = unsafe part.count
        unsafe message = list
    }
}
