package import RlimitModel

/// One process, looked at again and again: its files of /proc stay open, and of them only those are read that tell of the
/// resources that are asked for. Files of /proc that were opened never come to tell of another process.
package final class ProcessSampler {
    private let pid: Int32
    private let resources: ResourceSet
    private let limitsFile: CachedProcFile?
    private let stat: CachedProcFile?
    private let status: CachedProcFile?
    private let statm: CachedProcFile?
    private let fdDirectory: CachedProcFile?
    // What was seen last; of the resources that are not asked for, what was seen first.
    private var lastLimits: Limits?
    private var mayUsePrlimit = true

    /// Of so many resources prlimit(2) tells sooner than all of /proc/PID/limits.
    private static let maxPrlimitCalls = 8

    /// The caller makes sure that the number still is that process's.
    package init(of pid: Int32, for resources: ResourceSet) {
        self.pid = pid
        self.resources = resources
        limitsFile = resources.count > Self.maxPrlimitCalls ? CachedProcFile(ProcPath(pid, "limits")) : nil
        stat = resources.meets(Self.inStat) ? CachedProcFile(ProcPath(pid, "stat")) : nil
        // What both show costs a sixth in the shorter one.
        let needsStatus = resources.meets(Self.onlyInStatus)
        status = needsStatus ? CachedProcFile(ProcPath(pid, "status")) : nil
        statm = !needsStatus && resources.meets(Self.inStatm) ? CachedProcFile(ProcPath(pid, "statm")) : nil
        fdDirectory = resources.contains(.openFiles) ? CachedProcFile(ProcPath(pid, "fd"), pathOnly: true) : nil
    }

    private static let inStat = ResourceSet([.cpuTime, .nice, .realtimePriority])
    private static let inStatm = ResourceSet([.addressSpace, .residentSetSize])
    private static let onlyInStatus = ResourceSet([.lockedMemory, .dataSize, .stackSize, .pendingSignals])

    /// Of which resources the kernel shows how much is taken.
    package static let measurableResources = inStat.union(inStatm).union(onlyInStatus).union(
        ResourceSet(CollectionOfOne(.openFiles)))

    /// Its limits now; of the resources that are not asked for, as they were at the first look. prlimit(2),
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
            // Another user's; it may become so at any time, by executing another program.
            mayUsePrlimit = false
            return nil
        }
        return limits
    }

    /// What is taken of each of the resources, and perhaps of others; its times and page faults too, where /proc/PID/stat is read in any case.
    /// proc_pid_stat(5), proc_pid_status(5).
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
            // Signals come after memory, but kernel threads have none.
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
