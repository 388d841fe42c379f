import RlimitKernel
import RlimitModel

extension ResolvedTarget {
    /// What getrusage(2) or /proc tells; nil where /proc hides the process, or is not to be asked.
    func usage(_ scope: Usage.Scope, _ strategy: LimitClient.Strategy) throws(RlimitError) -> Usage? {
        guard strategy == .kernelFirst else { return nil }
        return try readFromProc { () throws(SystemError) in
            if isCaller { return try OwnUsage.usage(scope) }
            guard let pid else { throw .noPID }
            return try Procfs.usage(of: pid, scope)
        }
    }

    /// The same of one thread.
    func usage(ofThread thread: Int32, _ strategy: LimitClient.Strategy) throws(RlimitError) -> Usage? {
        guard thread > 0 else { throw RlimitError(.invalidArgument, message: "\(thread) is no thread id") }
        guard strategy == .kernelFirst else { return nil }
        return try readFromProc { () throws(SystemError) in
            if isCaller, thread == OwnProcess.thread { return try OwnUsage.threadUsage() }
            guard let pid else { throw .noPID }
            return try Procfs.usage(ofThread: thread, in: pid)
        }
    }

    private func readFromProc(_ read: () throws(SystemError) -> Usage) throws(RlimitError) -> Usage? {
        let usage: Usage
        do throws(SystemError) {
            usage = try read()
        } catch {
            try requireAlive()
            switch error.cause {
            case .notPermitted, .noAccess, .noEntry: return nil
            case .noSuchProcess: throw RlimitError(.noSuchProcess, message: "\(name) has no such thread")
            default: throw RlimitError(error, about: name)
            }
        }
        try requireAlive()
        return usage
    }
}
