import RlimitKernel
import RlimitModel

/// The Unix socket of the agent, and the users who may own it.
public struct AgentSocket: Hashable, Sendable {
    /// The path of the socket (unix(7)): at most 107 bytes.
    public var path: String
    /// The users who may own the socket and every directory above it.
    public var owner: Owner

    /// Describes a socket. Nothing is opened or checked before the first call that needs the agent.
    public init(path: String, owner: Owner = .rootOrSelf) {
        self.path = path
        self.owner = owner
    }

    /// The users who may own a trusted socket.
    ///
    /// A user who can replace the socket, or rename a directory above it, can answer in place of the agent. A call to
    /// an untrusted socket throws `.untrustedSocket`.
    @nonexhaustive
    public enum Owner: Hashable, Sendable {
        /// Root, or the calling user.
        case rootOrSelf
        /// This user, root, or the calling user.
        case user(UInt32)
        /// Any user. Nothing is checked.
        case anyone
    }

    /// The default path of the socket.
    static let standardPath = "/run/rlimitd/rlimitd.sock"
}

extension AgentSocket: ExpressibleByStringLiteral, CustomStringConvertible {
    /// Creates a socket from its path.
    public init(stringLiteral path: String) { self.init(path: path) }

    /// The path.
    public var description: String { path }
}

extension AgentSocket {
    /// The path in the environment variable `RLIMITD_SOCKET`, or `/run/rlimitd/rlimitd.sock`.
    ///
    /// A program with more privileges than its caller (setuid, file capabilities) ignores the environment variable.
    public static var standard: AgentSocket {
        guard let path = OwnProcess.trustedEnvironment("RLIMITD_SOCKET"), !path.isEmpty else {
            return AgentSocket(path: standardPath)
        }
        return AgentSocket(path: path)
    }

    /// Connects. Waits for room in the listener's backlog until the deadline.
    ///
    /// - Throws: `.agentUnreachable`, `.untrustedSocket`, `.deadlineExceeded`.
    func connect(until deadline: MonotonicDeadline) throws(RlimitError) -> StreamSocket {
        let remaining = deadline.remaining
        if remaining == 0 { throw .timedOut(self) }
        try requireTrust()
        do throws(SystemError) {
            return try StreamSocket.connect(to: path, timeout: remaining.map { .nanoseconds($0) })
        } catch {
            throw .unreachable(self, error)
        }
    }

    /// Connects, or returns nil if the listener's backlog is full.
    ///
    /// - Throws: `.agentUnreachable`, `.untrustedSocket`.
    func connectIfReady() throws(RlimitError) -> StreamSocket? {
        try requireTrust()
        do throws(SystemError) {
            return try StreamSocket.connectIfReady(to: path)
        } catch {
            throw .unreachable(self, error)
        }
    }

    private func requireTrust() throws(RlimitError) {
        let reason: String?
        do throws(SystemError) {
            reason = try reasonForDistrust()
        } catch {
            // A path that stat(2) does not find would fail in connect(2) too.
            throw .unreachable(self, SystemError(number: error.number, call: "connect"))
        }
        guard let reason else { return }
        throw .untrusted(self, reason)
    }

    private func reasonForDistrust() throws(SystemError) -> String? {
        switch owner {
        case .anyone: nil
        case .rootOrSelf: try SocketTrust.reasonForDistrust(of: path)
        case .user(let uid): try SocketTrust.reasonForDistrust(of: path, alsoTrusting: uid)
        }
    }
}
