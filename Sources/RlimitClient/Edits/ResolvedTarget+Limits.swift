import RlimitKernel
import RlimitModel

extension ResolvedTarget: LimitStore {
    func read(_ resource: Resource) throws(RlimitError) -> Limit {
        let limit: Limit
        do throws(SystemError) {
            if isCaller {
                limit = try ProcessLimits.readOwn(resource)
            } else {
                limit = try ProcessLimits.read(resource, of: try requirePID(), allowingInit: true)
            }
        } catch {
            throw failure(error)
        }
        try requireAlive()
        return limit
    }

    func exchange(_ resource: Resource, for new: Limit) throws(RlimitError) -> Limit {
        let old: Limit
        do throws(SystemError) {
            if isCaller { return try ProcessLimits.exchangeOwn(resource, for: new) }
            old = try ProcessLimits.exchange(resource, of: try requirePID(), for: new, allowingInit: true)
        } catch  where error.cause == .noSuchProcess {
            throw failure(error)
        } catch {
            throw RlimitError(error, setting: resource, to: new, of: name, ceiling: openFilesCeiling)
        }
        do throws(RlimitError) {
            try requireAlive()
        } catch {
            restore(resource, old)
            throw error
        }
        return old
    }

    var openFilesCeiling: Limit.Bound? { SystemInfo.openFilesCeiling().map { Limit.Bound($0) } }

    /// What the kernel tells of one, or else /proc; nil where both keep it to themselves, or are not to be asked.
    func limit(_ resource: Resource, _ strategy: LimitClient.Strategy) throws(RlimitError) -> Limit? {
        guard strategy == .kernelFirst else { return nil }
        var resources = ResourceSet.none
        resources.insert(resource)
        return try limits(resources, strategy)?[resource]
    }

    /// What the kernel tells of these, or else /proc; nil where both keep it to themselves, or are not to be asked.
    func limits(_ resources: ResourceSet, _ strategy: LimitClient.Strategy) throws(RlimitError) -> Limits? {
        guard strategy == .kernelFirst else { return nil }
        if let limits = try readIfPermitted(resources) { return limits }
        return try readFromProc()
    }

    /// What prlimit(2) tells of these resources; nil where it refuses, as it then refuses every change too.
    func readIfPermitted(_ resources: ResourceSet) throws(RlimitError) -> Limits? {
        var limits = Limits()
        do throws(RlimitError) {
            for resource in resources { limits[resource] = try read(resource) }
        } catch {
            guard error.code == .deniedByKernel else { throw error }
            return nil
        }
        return limits
    }

    /// What /proc shows of it to everyone; nil where it hides it.
    func readFromProc() throws(RlimitError) -> Limits? {
        guard let pid else { return nil }
        let limits = try? ProcessLimits.readFromProc(of: pid)
        try requireAlive()
        return limits
    }

    // The number may have been given to another process just before the call. What was raised there is left, since it does
    // no harm, and what was lowered is raised again as far as that goes.
    private func restore(_ resource: Resource, _ old: Limit) {
        guard let pid, let now = try? ProcessLimits.read(resource, of: pid, allowingInit: true) else { return }
        let restored = Limit(soft: max(now.soft, old.soft), hard: max(now.hard, old.hard))
        if restored != now { _ = try? ProcessLimits.exchange(resource, of: pid, for: restored, allowingInit: true) }
    }

    private func requirePID() throws(SystemError) -> Int32 {
        guard let pid else { throw .noPID }
        return pid
    }

    private func failure(_ error: SystemError) -> RlimitError {
        error.cause == .noSuchProcess ? .noSuchProcess(name) : RlimitError(error, about: name)
    }
}
