/// How the agent treats its log.
package struct AuditSettings: Hashable, Sendable {
    /// What happens to changes while the log takes no more lines about them.
    package enum OnFull: String, CaseIterable, Sendable {
        /// They are refused.
        case refuse
        /// They are made, and their lines are lost.
        case `continue`
    }

    package var onFull: OnFull

    package init(onFull: OnFull = .refuse) { self.onFull = onFull }
}
