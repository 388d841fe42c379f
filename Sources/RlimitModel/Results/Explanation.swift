/// The agent's decision on an operation, without its effect.
public struct Explanation: Hashable, Sendable {
    /// Whether the whole operation would be granted.
    public var isAllowed: Bool { refusal == nil }
    /// The reason why it would be refused.
    public var refusal: RlimitError?
    /// One verdict for each edit or each requested resource.
    public var verdicts: [Verdict]

    package init(refusal: RlimitError? = nil, verdicts: [Verdict] = []) {
        self.refusal = refusal
        self.verdicts = verdicts
    }

    /// The decision on one edit or resource.
    public struct Verdict: Hashable, Sendable {
        /// The resource with these limits.
        public var resource: Resource
        /// The current limits; nil if the caller may not read them.
        public var now: Limit?
        /// The maximum that the caller may give the target.
        public var most: Limit?
        /// The policy rule that grants `most`; nil if none is needed.
        public var rule: String?
        /// The limits after the edit; nil if no edit was requested or it would be refused.
        public var new: Limit?
        /// The reason why it would be refused or granted only in part.
        public var error: RlimitError?

        package init(
            _ resource: Resource, now: Limit? = nil, most: Limit? = nil, rule: String? = nil, new: Limit? = nil,
            error: RlimitError? = nil
        ) {
            self.resource = resource
            self.now = now
            self.most = most
            self.rule = rule
            self.new = new
            self.error = error
        }
    }
}
