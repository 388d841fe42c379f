import Glibc
import RlimitKernel
import RlimitModel

/// The edits of a process that the kernel permits this caller. prlimit(2)
enum KernelPermission: Equatable {
    /// The process belongs to another user: none.
    case nothing
    /// The six ids match: every edit that does not raise the hard limit.
    case upToHard
    /// The caller holds CAP_SYS_RESOURCE: every edit, for open files up to fs.nr_open.
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
    /// The edits of this process that the kernel permits rlimitctl.
    var kernelPermission: KernelPermission {
        let capabilities = (try? Procfs.detail(of: getpid()))?.capabilities ?? 0
        // The capability counts only in the initial user namespace.
        if capabilities & (1 << 24) != 0, SystemInfo.isInitialUserNamespace {
            return .everything(openFilesCeiling: SystemInfo.openFilesCeiling().map { Limit.Bound($0) } ?? .infinity)
        }
        return credentials?.are(uid: getuid(), gid: getgid()) == true ? .upToHard : .nothing
    }
}
