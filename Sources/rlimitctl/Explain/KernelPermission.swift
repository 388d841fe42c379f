import RlimitModel

/// What prlimit(2) lets this caller do to a process, without the agent.
enum KernelPermission: Equatable {
    /// Another user's: nothing.
    case nothing
    /// Its own, by all six ids: everything up to the hard limit there is.
    case upToHard
    /// It holds CAP_SYS_RESOURCE: everything, open files up to fs.nr_open.
    case everything(openFilesCeiling: Limit.Bound)

    func allows(_ dryRunEdit: DryRunEdit) -> Bool {
        switch self {
        case .nothing: false
        case .upToHard: !dryRunEdit.raisesHard
        case .everything(let ceiling):
            dryRunEdit.resource != .openFiles || !dryRunEdit.raisesHard || dryRunEdit.requested.hard <= ceiling
        }
    }
}
