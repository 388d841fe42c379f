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
