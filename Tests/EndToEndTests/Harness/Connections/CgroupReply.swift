import RlimitModel
import RlimitWire

/// The results of all responses to a request for a cgroup.
struct CgroupReply {
    private(set) var results: [ProcessResult] = []
    private(set) var isIncomplete = false

    init(_ connection: RawConnection, _ operation: Request.Operation) throws {
        try connection.send(RequestBytes.frame(operation))
        try self.init(connection)
    }

    /// Reads the responses to a request that was sent before.
    init(_ connection: RawConnection) throws {
        var more = true
        while more {
            guard let response = try connection.decodedResponse() else { throw RawConnection.failure("no response") }
            guard case .processes(let some, let isIncomplete) = try response.outcome.get() else {
                throw ChildProcess.Failure(description: "not a response for a cgroup: \(response)")
            }
            results += some
            self.isIncomplete = isIncomplete
            more = response.more
        }
    }
}
