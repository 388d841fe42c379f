package import RlimitModel

/// Reads limits and usage of one process repeatedly. Keeps its /proc files open, and reads only those that the
/// requested resources need. An open /proc file never refers to another process.
package final class ProcessSampler {
    private let pid: Int32
    private let resources: ResourceSet
    private let limitsFile: CachedProcFile?
    private let stat: CachedProcFile?
    private let status: CachedProcFile?
    private let statm: CachedProcFile?
    private let fdDirectory: CachedProcFile?
    // The last sample. Resources that were not requested keep the value of the first one.
    private var lastLimits: Limits?
    private var mayUsePrlimit = true

    /// Up to this number of resources, prlimit(2) calls cost less than reading /proc/PID/limits.
    private static let maxPrlimitCalls = 8

    /// The caller ensures that the pid still names the intended process.
    package init(of pid: Int32, for resources: ResourceSet) {
        self.pid = pid
        self.resources = resources
        limitsFile = resources.count > Self.maxPrlimitCalls ? CachedProcFile(ProcPath(pid, "limits")) : nil
        stat = resources.meets(Self.inStat) ? CachedProcFile(ProcPath(pid, "stat")) : nil
        // statm has the two sizes too, at a sixth of the cost of status.
        let needsStatus = resources.meets(Self.onlyInStatus)
        status = needsStatus ? CachedProcFile(ProcPath(pid, "status")) : nil
        statm = !needsStatus && resources.meets(Self.inStatm) ? CachedProcFile(ProcPath(pid, "statm")) : nil
        fdDirectory = resources.contains(.openFiles) ? CachedProcFile(ProcPath(pid, "fd"), pathOnly: true) : nil
    }

    private static let inStat = ResourceSet([.cpuTime, .nice, .realtimePriority])
    private static let inStatm = ResourceSet([.addressSpace, .residentSetSize])
    private static let onlyInStatus = ResourceSet([.lockedMemory, .dataSize, .stackSize, .pendingSignals])

    /// The resources with a current use that the kernel shows.
    package static let measurableResources = inStat.union(inStatm).union(onlyInStatus).union(
        ResourceSet(CollectionOfOne(.openFiles)))

    /// The current limits. Resources that were not requested may have the values of the first sample. prlimit(2),
    /// proc_pid_limits(5).
    package func limits() throws(SystemError) -> Limits {
        if let limits = try limitsByPrlimit() {
            lastLimits = limits
            return limits
        }
        let limits = try limitsFromProc()
        lastLimits = limits
        return limits
    }

    private func limitsFromProc() throws(SystemError) -> Limits {
        switch limitsFile {
        case .some(let file): try ProcessLimits.readFromProc(file.read())
        case .none: try ProcessLimits.readFromProc(of: pid)
        }
    }

    private func limitsByPrlimit() throws(SystemError) -> Limits? {
        guard mayUsePrlimit, resources.count <= Self.maxPrlimitCalls, var limits = lastLimits else { return nil }
        do throws(SystemError) {
            for resource in resources {
                limits[resource] = try ProcessLimits.read(resource, of: pid, allowingInit: true)
            }
        } catch  where error.cause == .notPermitted {
            // The process has other credentials now, for example after execve(2) of a set-user-ID program.
            mayUsePrlimit = false
            return nil
        }
        return limits
    }

    /// The current use of each requested resource, and possibly of others. Has times and page faults if /proc/PID/stat
    /// is read anyway. proc_pid_stat(5), proc_pid_status(5).
    package func usage() throws(SystemError) -> Usage {
        var usage = Usage()
        switch stat {
        case .some(let file):
            let stat = try ProcStat(file.read())
            usage = Usage(stat, .process)
            usage.setInUse(stat)
        case .none: break
        }
        switch status {
        case .some(let file):
            // The signals line comes after the memory lines, which kernel threads do not have.
            let status = try ProcStatus(file.read()) { $0.queuedSignals != nil }
            usage.setInUse(status)
            usage.maxResidentSize = status.peakResident
        case .none: break
        }
        switch statm {
        case .some(let file): usage.setInUse(try ProcStatm(file.read()))
        case .none: break
        }
        switch fdDirectory {
        case .some(let directory): usage[.openFiles] = directory.openFiles(of: pid)
        case .none: break
        }
        return usage
    }
}
