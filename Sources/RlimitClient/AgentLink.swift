import RlimitModel

final class AgentLink: Sendable {
    let socket: AgentSocket
    init(to socket: AgentSocket) { self.socket = socket }
    func close() {}
}
