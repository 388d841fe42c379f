import RlimitModel

/// What prlimit(2) lets this caller do to a process, without the agent.
enum KernelLeave: Equatable {
    /// Another user's: nothing.
    case nothing
    /// Its own, by all six ids: everything up to the hard limit there is.
    case upToHard
    /// It holds CAP_SYS_RESOURCE: everything, open files up to fs.nr_open.
    case everything(openFilesCeiling: Limit.Bound)

    func covers(_ wish: Wish) -> Bool {
        switch self {
        case .nothing: false
        case .upToHard: !wish.raisesHard
        case .everything(let ceiling): wish.resource != .openFiles || !wish.raisesHard || wish.wanted.hard <= ceiling
        }
    }
}
