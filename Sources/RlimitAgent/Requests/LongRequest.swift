import RlimitKernel
import RlimitModel

/// A request that takes longer than a turn. It advances by slices, between the turns of sessions.
class LongRequest {
    let request: Request
    /// Nine tenths of the caller's timeout. The rest is for the transport of the response.
    let deadline: BootInstant

    private static let maxDuration: Duration = .seconds(60)

    init(_ request: Request, for session: Session, now: BootInstant) {
        self.request = request
        deadline = now + min(request.timeout.map { $0 * 9 / 10 } ?? Self.maxDuration, Self.maxDuration)
    }

    /// The outcome of one slice.
    enum Progress {
        case unfinished
        /// A response to send. `more`: other responses follow.
        case response(Result<Reply, RlimitError>, more: Bool)
    }

    /// Advances until `end`, or until there is a response to send.
    func advance(until end: BootInstant, for session: Session, _ handler: inout RequestHandler) -> Progress {
        .response(.failure(RlimitError(.internalError)), more: false)
    }

    /// The outcome of a request that is given up because its peer does not read.
    func outcomeWithoutReader() -> Result<Reply, RlimitError> { .failure(.responsesNotRead) }

    /// Called once, when the request is done or its session has ended.
    func cleanUp(for session: Session, _ handler: inout RequestHandler) {}
}
