import CProtobufC
import CRlimitProto
import RlimitModel

// The processes of a cgroup or pod: an outcome for each, and as many of them in one response as fit.

extension ProcessResult {
    /// An outcome of a kind that is not known here is a failure, `.unsupported`, of that process alone.
    init(reading message: UnsafePointer<Proto.ProcessResult>) throws(RlimitError) {
        let number = unsafe message.pointee.pid
        guard let pid = Int32(exactly: number), pid <= Request.greatestPID else {
            throw .malformed("an answer about process \(number), which there cannot be")
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
            .success(.changes(try unsafe [Change](reading: unpacked(message.pointee.changes))))
        case RLIMITD__V1__PROCESS_RESULT__OUTCOME_USAGE:
            .success(.usage(try unsafe Usage(reading: unpacked(message.pointee.usage))))
        default:
            .failure(RlimitError(.unsupported, message: "an answer of a kind that this client does not know"))
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
        case .success(.changes(let changes)):
            unsafe message.pointee.outcome_case = RLIMITD__V1__PROCESS_RESULT__OUTCOME_CHANGES
            unsafe message.pointee.changes = try arena.changes(changes)
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
    /// What answers an operation on a cgroup or pod.
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

/// The first of some results, as one message that fits a frame.
@safe struct ProcessPart {
    /// The results of one message at most: its list of pointers is made before it is known how many fit.
    private static let greatestCount = 2048
    /// What a frame holds besides the results: id, `more`, `incomplete`, and the lengths of the list.
    private static let overhead = 32

    /// How many of the results are in it: at least one, if there is any.
    let count: Int
    let message: UnsafeMutablePointer<Proto.ProcessResultList>

    /// - Throws: There is no room for a single one.
    init(of results: ArraySlice<ProcessResult>, in arena: inout Arena) throws(ArenaFull) {
        let list = try unsafe arena.message(rlimitd__v1__process_result_list__init)
        let entries = try unsafe arena.pointers(
            to: Proto.ProcessResult.self, count: min(results.count, Self.greatestCount))
        unsafe list.pointee.results = entries
        var count = 0
        var room = Frame.greatestResponse - Self.overhead
        for result in results.prefix(Self.greatestCount) {
            do throws(ArenaFull) {
                let entry = try unsafe result.write(to: &arena)
                // Its tag, and a length of at most three bytes.
                room -= 4 + (unsafe protobuf_c_message_get_packed_size(&entry.pointee.base))
                guard room >= 0 else { throw ArenaFull() }
                unsafe entries[count] = entry
            } catch {
                guard count > 0 else { throw error }
                break
            }
            count += 1
        }
        unsafe list.pointee.n_results = count
        self.count = count
        unsafe message = list
    }
}
