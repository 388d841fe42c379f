internal import CRlimitLinux
internal import Glibc
package import RlimitModel

extension Procfs {
    /// What a process used, as far as /proc shows it to others, and what is in use of its limits.
    ///
    /// - Parameter threads: The context switches are summed over all threads, which takes time for each of them. Where there
    ///   are more threads than this the sums are left out; a `ContextSwitchCount` can find them in slices.
    /// - Parameter time: So they are where it takes longer than this.
    package static func usage(
        of pid: Int32, _ scope: Usage.Scope, countingSwitchesUpTo threads: UInt64 = .max,
        within time: Duration? = nil
    ) throws(SystemError) -> Usage {
        let stat = try ProcStat(of: pid)
        var usage = Usage(stat, scope)
        guard scope != .children else { return usage }
        let status = try ProcStatus(of: pid)
        usage.setInUse(of: pid, stat, status)
        // Of its children the greatest is not shown, so of both together nothing is known.
        guard scope == .process else { return usage }
        usage.maxResidentSize = status.peakResident
        guard status.threads ?? 0 <= threads else { return usage }
        var scan = try ContextSwitchCount(of: pid)
        let deadline = time.map { ContinuousClock.now + $0 }
        while try !scan.advance(by: 1) {
            if let deadline, .now >= deadline { return usage }
        }
        usage.setContextSwitches(from: scan)
        return usage
    }

    /// What one thread used.
    ///
    /// - Throws: ESRCH where it is no thread of that process.
    package static func usage(ofThread thread: Int32, in pid: Int32) throws(SystemError) -> Usage {
        let stat: ProcStat
        let status: ProcStatus
        do throws(SystemError) {
            stat = try ProcStat(ProcPath(pid, thread: thread, "stat"))
            status = try ProcStatus(ProcPath(pid, thread: thread, "status"))
        } catch {
            throw error.number == ENOENT ? SystemError(number: ESRCH, call: error.call) : error
        }
        var usage = Usage(stat, .process)
        usage.maxResidentSize = status.peakResident
        usage.voluntaryContextSwitches = status.voluntarySwitches
        usage.involuntaryContextSwitches = status.involuntarySwitches
        return usage
    }
}

extension Usage {
    init(_ stat: ProcStat, _ scope: Scope) {
        self.init()
        zeroUnmaintainedFields()
        let own: UInt64 = scope == .children ? 0 : 1
        let children: UInt64 = scope == .process ? 0 : 1
        userTime = .clockTicks(own &* stat.userTime &+ children &* stat.childUserTime)
        systemTime = .clockTicks(own &* stat.systemTime &+ children &* stat.childSystemTime)
        minorFaults = own &* stat.minorFaults &+ children &* stat.childMinorFaults
        majorFaults = own &* stat.majorFaults &+ children &* stat.childMajorFaults
    }

    /// The fields of getrusage(2) that Linux keeps for nobody: 0 whoever asks of whom.
    mutating func zeroUnmaintainedFields() {
        sharedTextSize = 0
        unsharedDataSize = 0
        unsharedStackSize = 0
        swaps = 0
        messagesSent = 0
        messagesReceived = 0
        signalsReceived = 0
    }

    /// What is taken now of the limits that count something for this one process or its user.
    mutating func setInUse(of pid: Int32, _ stat: ProcStat, _ status: ProcStatus) {
        setInUse(stat)
        setInUse(status)
        self[.openFiles] = Procfs.openFiles(of: pid)
    }

    mutating func setInUse(_ stat: ProcStat) {
        let ticks = stat.userTime &+ stat.systemTime
        self[.cpuTime] = ticks / UInt64(max(1, rl_clock_ticks()))
        self[.nice] = UInt64(exactly: 20 - stat.nice)
        self[.realtimePriority] = stat.realtimePriority
    }

    mutating func setInUse(_ status: ProcStatus) {
        self[.addressSpace] = status.addressSpace
        self[.residentSetSize] = status.resident
        self[.lockedMemory] = status.locked
        self[.dataSize] = status.data
        self[.stackSize] = status.stack
        self[.pendingSignals] = status.queuedSignals
    }

    /// The context switches of the threads there were.
    package mutating func setContextSwitches(from scan: borrowing ContextSwitchCount) {
        voluntaryContextSwitches = scan.voluntarySwitches
        involuntaryContextSwitches = scan.involuntarySwitches
        isPartial = true
    }
}

extension Duration {
    fileprivate static func clockTicks(_ ticks: UInt64) -> Duration {
        let perSecond = UInt64(max(1, rl_clock_ticks()))
        let (seconds, rest) = ticks.quotientAndRemainder(dividingBy: perSecond)
        return .seconds(Int64(clamping: seconds)) + .nanoseconds(Int64(clamping: rest * (1_000_000_000 / perSecond)))
    }
}
