/// A failure that the kernel, the agent, or the connection to the agent reports.
///
/// Programs use `code`; people read `message`. Further properties name the edit, the policy rule, the maximum that
/// would have been granted, and the time until a retry may succeed.
public struct RlimitError: Error, Hashable, Sendable {
    /// The kind of failure.
    public var code: Code
    /// The kernel's errno if it set one, otherwise the errno of `code`.
    public var errno: Int32
    /// One sentence that names the fault and, if possible, the correction.
    public var message: String
    /// The resource that it concerns, if any.
    public var resource: Resource?
    /// The index of the edit that it concerns, from 0.
    public var editIndex: Int?
    /// The policy rule that refused the request, or that would grant it in another form.
    public var rule: String?
    /// The maximum that would have been granted.
    public var allowed: Limit?
    /// The time to wait before a retry, if a retry may succeed.
    public var retryAfter: Duration?

    /// An error with a code; errno and message default to those of the code.
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

    /// Whether the same call may succeed later.
    public var isTransient: Bool {
        switch code {
        case .targetChanged, .conflict, .rateLimited, .quotaExceeded, .deadlineExceeded: true
        case .agentUnreachable, .connectionLost: true
        default: false
        }
    }
}

extension RlimitError: CustomStringConvertible {
    /// The message.
    public var description: String { message }
}
