import RlimitKernel
import RlimitModel

/// Where the agent listens, and whose that socket must be.
public struct AgentSocket: Hashable, Sendable {
    /// The path of the socket (unix(7)): at most 107 bytes.
    public var path: String
    /// Who may own the socket and every folder above it.
    public var owner: Owner

    /// A socket at a path. Nothing is opened and nothing checked before the first call that needs the agent.
    public init(path: String, owner: Owner = .rootOrSelf) {
        self.path = path
        self.owner = owner
    }

    /// Who must own a socket that is to be trusted: others could have put an agent of their own there.
    @nonexhaustive
    public enum Owner: Hashable, Sendable {
        /// Root, or the user who calls.
        case rootOrSelf
        /// This user, root, or the user who calls.
        case user(UInt32)
        /// Whoever it is: nothing is checked.
        case anyone
    }

    /// Where the agent listens unless told otherwise.
    static let standardPath = "/run/rlimitd/rlimitd.sock"
}

extension AgentSocket: ExpressibleByStringLiteral, CustomStringConvertible {
    /// A path.
    public init(stringLiteral path: String) { self.init(path: path) }

    /// The path.
    public var description: String { path }
}

extension AgentSocket {
    /// The path in the environment variable `RLIMITD_SOCKET`, or `/run/rlimitd/rlimitd.sock`. A program that runs with
    /// more rights than its caller has (setuid, file capabilities) does not look at the environment.
    public static var standard: AgentSocket {
        guard let path = OwnProcess.trustedEnvironment("RLIMITD_SOCKET"), !path.isEmpty else {
            return AgentSocket(path: standardPath)
        }
        return AgentSocket(path: path)
    }

    /// Connects, however long that takes.
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

    /// Connects if the agent takes us now; nil where there is a queue before its door.
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
            // What stat(2) did not find, connect(2) would not have found either.
            throw .unreachable(self, SystemError(number: error.number, call: "connect"))
        }
        guard let reason else { return }
        throw RlimitError(.untrustedSocket, message: "the agent's socket \(path) is not to be trusted: \(reason)")
    }

    // Whoever can put a socket in its place can answer in the agent's.
    private func reasonForDistrust() throws(SystemError) -> String? {
        switch owner {
        case .anyone: nil
        case .rootOrSelf: try SocketTrust.reasonForDistrust(of: path)
        case .user(let uid): try SocketTrust.reasonForDistrust(of: path, alsoTrusting: uid)
        }
    }
}
