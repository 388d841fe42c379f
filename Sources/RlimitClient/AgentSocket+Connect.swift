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

    /// - Throws: `.agentUnreachable`, `.untrustedSocket`, `.deadlineExceeded`.
    func connect(until deadline: ContinuousClock.Instant?) throws(RlimitError) -> StreamSocket {
        let left = deadline.map { ContinuousClock.now.duration(to: $0) }
        if let left, left <= .zero { throw .late(self) }
        let reason: String?
        do throws(SystemError) {
            reason = try reasonForDistrust()
        } catch {
            // What stat(2) did not find, connect(2) would not have found either.
            throw .unreachable(self, SystemError(number: error.number, call: "connect"))
        }
        if let reason {
            throw RlimitError(.untrustedSocket, message: "the agent's socket \(path) is not to be trusted: \(reason)")
        }
        do throws(SystemError) {
            return try StreamSocket.connect(to: path, timeout: left)
        } catch {
            throw .unreachable(self, error)
        }
    }

    // Whoever can put a socket in its place can answer in the agent's.
    private func reasonForDistrust() throws(SystemError) -> String? {
        switch owner {
        case .anyone: nil
        case .rootOrSelf: try SocketTrust.distrust(of: path)
        case .user(let uid): try SocketTrust.distrust(of: path, alsoTrusting: uid)
        }
    }
}
