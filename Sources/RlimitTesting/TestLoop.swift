import RlimitKernel
import RlimitModel
import RlimitWire

/// The event loop of an agent for tests: it accepts connections, serves sessions and carries out orders of the test.
///
/// Only the agent's thread uses its state.
final class TestLoop: @unchecked Sendable {
    let dispatcher: TestDispatcher
    private let poller: Poller
    private let listener: Listener
    private var sessions: [UInt64: TestSession] = [:]
    private var lastToken = Token.wakeup

    private enum Token {
        static let listener: UInt64 = 1
        static let wakeup: UInt64 = 2
    }

    init(_ dispatcher: TestDispatcher, listeningAt path: String) throws(SystemError) {
        self.dispatcher = dispatcher
        poller = try Poller()
        listener = try Listener(path: path, mode: 0o600)
        try poller.add(dispatcher.wakeup.number, .readable, token: Token.wakeup)
        try poller.add(listener.descriptor.number, .readable, token: Token.listener)
    }

    func run() {
        while true {
            _ = try? poller.wait(timeout: dispatcher.timeToNextExpiry) { event in
                switch event.token {
                case Token.wakeup: dispatcher.wakeup.reset()
                case Token.listener: acceptAll()
                default: serve(event.token)
                }
            }
            dispatcher.endExpiredLeases()
            switch dispatcher.order {
            case .none: continue
            case .stop: return endAll()
            case .drop(let order):
                acceptAll()
                endAll()
                dispatcher.dropped(upTo: order)
            }
        }
    }

    private func acceptAll() {
        // Without a free descriptor the connection stays in the backlog, and the listener stays readable.
        while let socket = (try? listener.accept()) ?? nil { begin(socket) }
    }

    private func begin(_ socket: consuming StreamSocket) {
        // A peer whose credentials the kernel does not report gets no reply.
        guard let who = try? socket.peer() else { return }
        let peer = who.peer.seenFromTest(isHeld: who.pidfd != nil)
        do throws(RlimitError) {
            let peerProcess = try dispatcher.admitConnection(who, besides: sessions.count)
            lastToken += 1
            let session = TestSession(socket, peer: peer, peerProcess: peerProcess, token: lastToken)
            guard (try? poller.add(session.socket.descriptor.number, .readable, token: lastToken)) != nil else {
                return
            }
            sessions[lastToken] = session
            dispatcher.setConnectionCount(sessions.count)
        } catch {
            var output = ByteQueue()
            dispatcher.reject(error, into: &output)
            _ = unsafe output.withUnsafeBytes { bytes in unsafe try? socket.send(bytes) }
        }
    }

    private func serve(_ token: UInt64) {
        guard let session = sessions[token] else { return }
        let interest: Poller.Interest
        switch session.serve(at: dispatcher) {
        case .read: interest = .readable
        case .write: interest = .writable
        case .close: return end(token, session)
        }
        try? poller.change(session.socket.descriptor.number, interest, token: token)
    }

    private func end(_ token: UInt64, _ session: TestSession) {
        sessions[token] = nil
        session.close()
        dispatcher.disconnected(token)
        dispatcher.setConnectionCount(sessions.count)
    }

    private func endAll() {
        for (token, session) in sessions { end(token, session) }
    }
}

extension Peer {
    /// The peer as a current kernel reports it. What an old kernel does not report is assumed to be as for the test
    /// itself.
    fileprivate func seenFromTest(isHeld: Bool) -> Peer {
        var peer = self
        peer.isPinned = true
        peer.namespaceDepth = namespaceDepth ?? 1
        if !isHeld { peer.hasMixedIDs = false }
        return peer
    }
}
