import RlimitKernel
import RlimitModel
import RlimitWire

/// The gets of one limit, the most frequent request, that wait until the credentials of their processes are read.
struct GetBatch {
    private var gets: [PendingGet] = []
    // Where the gets of the current session begin.
    private var sessionStart = 0
    /// The number of the current check. `CachedProcess` reads the credentials once for each number.
    private(set) var number: UInt64 = 0

    init() { gets.reserveCapacity(Frame.maxRequestsInFlight) }

    /// Whether the waiting gets are to be answered before others are received.
    var isFull: Bool { gets.count >= 4 * Frame.maxRequestsInFlight }

    /// Begins the gets of another session.
    mutating func beginSession() { sessionStart = gets.count }
    /// The gets of the current session.
    var sessionRange: Range<Int> { sessionStart..<gets.count }
    var isSessionEmpty: Bool { gets.count <= sessionStart }
    /// Discards the gets of the current session.
    mutating func discardSession() { gets.removeSubrange(sessionStart...) }

    subscript(place: Int) -> PendingGet { gets[place] }
    mutating func append(_ get: PendingGet) { gets.append(get) }
    mutating func removeAll() { gets.removeAll(keepingCapacity: true) }

    /// Begins another look: all limits that it covers have been read.
    mutating func beginLook() { number += 1 }

    /// Reads the limit that a get asks for.
    ///
    /// - Returns: nil if the get must be processed like any other request.
    static func read(_ get: PlainGet, of session: Session, _ processes: inout ProcessCache) -> PendingGet? {
        guard !session.peer.hasMixedIDs, let resource = get.resources.only,
            let process = process(of: get, of: session, &processes), let limit = try? process.process.read(resource)
        else { return nil }
        return PendingGet(get: get, resource: resource, limit: limit, process: process)
    }

    private static func process(
        of get: PlainGet, of session: Session, _ processes: inout ProcessCache
    ) -> CachedProcess? {
        guard let pid = get.pid else { return session.peerProcess }
        guard session.peer.sharesNamespace else { return nil }
        return try? processes.namedProcess(pid, for: session)
    }

    /// Encodes the response to a get, after the look at its process.
    static func answer(
        _ pending: PendingGet, of session: Session, _ identity: ProcessCredentials, _ handler: inout RequestHandler,
        _ replies: inout ReplySender
    ) {
        let isPeer = pending.process === session.peerProcess
        do throws(RlimitError) {
            try handler.authorizeGet(pending, from: session.peer, identity, isPeer: isPeer)
            replies.append(pending.limit, of: pending.resource, id: pending.get.id)
        } catch {
            replies.append(Response(id: pending.get.id, .failure(error)))
        }
    }
}

/// A get of one limit that is not answered yet, with the limit that was read by pid.
///
/// The pid may have been reused before the read. The response is sent only after a check shows that the pid belongs
/// to the process. One check covers all gets that were read before it.
struct PendingGet {
    let get: PlainGet
    /// The resource that the get asks about.
    let resource: Resource
    let limit: Limit
    let process: CachedProcess
}
