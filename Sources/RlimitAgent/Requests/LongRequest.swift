import RlimitKernel
import RlimitModel

/// A request that takes longer than a turn, carried out a slice at a time between the turns of others.
class LongRequest {
    let request: Request
    /// The session's, for the loop.
    let token: UInt64
    /// Some of the time that the caller gave is kept back for the way of the answer.
    let deadline: BootInstant

    private static let maxDuration: Duration = .seconds(60)

    init(_ request: Request, for session: Session, now: BootInstant) {
        self.request = request
        token = session.token
        deadline = now + min(request.timeout.map { $0 * 9 / 10 } ?? Self.maxDuration, Self.maxDuration)
    }

    /// What one slice came to.
    enum Progress {
        case unfinished
        /// A response, and whether others follow.
        case response(Result<Reply, RlimitError>, more: Bool)
    }

    /// Goes on until `end`, or until there is a response to send.
    func advance(until end: BootInstant, for session: Session, _ handler: inout RequestHandler) -> Progress {
        .response(.failure(RlimitError(.internalError)), more: false)
    }

    /// It is done, or its session has ended before.
    func cleanUp(for session: Session, _ handler: inout RequestHandler) {}
}
