/// What would come of an operation, decided by the agent and not done.
public struct Explanation: Hashable, Sendable {
    /// Whether all of it would be granted.
    public var isAllowed: Bool { refusal == nil }
    /// Why it would be refused.
    public var refusal: RlimitError?
    /// One for each edit, or for each resource that was asked about.
    public var verdicts: [Verdict]

    package init(refusal: RlimitError? = nil, verdicts: [Verdict] = []) {
        self.refusal = refusal
        self.verdicts = verdicts
    }

    /// What would come of one edit.
    public struct Verdict: Hashable, Sendable {
        /// Whose limits.
        public var resource: Resource
        /// The limits now, where they may be read.
        public var now: Limit?
        /// The most that one may have.
        public var most: Limit?
        /// The policy rule that gives `most`; nil where none is needed.
        public var rule: String?
        /// What the limits would become; nil where nothing was to change, or would be refused.
        public var new: Limit?
        /// Why it would be refused or fall short.
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
