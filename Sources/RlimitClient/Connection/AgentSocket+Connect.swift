import RlimitKernel
import RlimitModel

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
