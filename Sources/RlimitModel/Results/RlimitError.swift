/// Why something was not done, from the kernel, the agent, or the way to the agent.
///
/// `code` is for programs, `message` for people. What else is known stands beside them: which edit, which policy rule,
/// the most that would have been granted, and when another try may succeed.
public struct RlimitError: Error, Hashable, Sendable {
    /// What kind of failure.
    public var code: Code
    /// The kernel's errno where it set one, else the one that fits `code`.
    public var errno: Int32
    /// One sentence that names what was wrong and, where there is one, what would be right.
    public var message: String
    /// The resource it is about, if one.
    public var resource: Resource?
    /// Which of the edits it is about, from 0.
    public var editIndex: Int?
    /// The policy rule that refused.
    public var rule: String?
    /// The most that would have been granted.
    public var allowed: Limit?
    /// How long to wait before another try, where that may help.
    public var retryAfter: Duration?

    /// Only the code is needed; errno and message follow from it where they are not given.
    public init(
        _ code: Code, errno: Int32? = nil, message: String = "", resource: Resource? = nil, editIndex: Int? = nil,
        rule: String? = nil, allowed: Limit? = nil, retryAfter: Duration? = nil
    ) {
        self.code = code
        self.errno = errno ?? code.errno
        self.message = message.isEmpty ? code.summary : message
        self.resource = resource
        self.editIndex = editIndex
        self.rule = rule
        self.allowed = allowed
        self.retryAfter = retryAfter
    }

    /// Whether the same call may succeed later: "not now", as against "never".
    public var isTransient: Bool {
        switch code {
        case .targetChanged, .conflict, .rateLimited, .quotaExceeded, .deadlineExceeded: true
        case .agentUnreachable, .connectionLost: true
        default: false
        }
    }
}

extension RlimitError: CustomStringConvertible {
    /// The message alone: it is a whole sentence.
    public var description: String { message }
}
