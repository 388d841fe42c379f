import Glibc
import RlimitKernel
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

extension SelectedProcess {
    /// What the kernel lets us do to it.
    var kernelPermission: KernelPermission {
        let capabilities = (try? Procfs.detail(of: getpid()))?.capabilities ?? 0
        // In a child user namespace the capability does not raise hard limits.
        if capabilities & (1 << 24) != 0, SystemInfo.isInitialUserNamespace {
            return .everything(openFilesCeiling: SystemInfo.openFilesCeiling().map { Limit.Bound($0) } ?? .infinity)
        }
        return credentials?.are(uid: getuid(), gid: getgid()) == true ? .upToHard : .nothing
    }
}
