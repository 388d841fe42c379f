internal import CRlimitLinux
internal import Glibc
package import RlimitModel

extension Procfs {
    /// The usage of a process that /proc shows to other users, and the current use of its limits.
    ///
    /// - Parameter threads: The maximum number of threads to sum context switches for, because each one takes time.
    ///   With more threads the sums are nil; `ContextSwitchCount` computes them in steps.
    /// - Parameter time: The maximum time for these sums. They are nil if threads are left after it.
    package static func usage(
        of pid: Int32, _ scope: Usage.Scope, countingSwitchesUpTo threads: UInt64 = .max,
        within time: Duration? = nil
    ) throws(SystemError) -> Usage {
        let stat = try ProcStat(of: pid)
        var usage = Usage(stat, scope)
        guard scope != .children else { return usage }
        let status = try ProcStatus(of: pid)
        usage.setInUse(of: pid, stat, status)
        // /proc does not show the maximum resident size of children, so the maximum of both is unknown.
        guard scope == .process else { return usage }
        usage.maxResidentSize = status.peakResident
        guard status.threads ?? 0 <= threads else { return usage }
        var scan = try ContextSwitchCount(of: pid)
        let deadline = time.map { ContinuousClock.now + $0 }
        var count: UInt64 = 0
        while try !scan.advance(by: 1) {
            count += 1
            // After the last thread, nothing is left that takes time.
            if let deadline, count != status.threads, .now >= deadline { return usage }
        }
        usage.setContextSwitches(from: scan)
        return usage
    }

    /// The usage of one thread.
    ///
    /// - Throws: ESRCH if it is not a thread of that process.
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

    /// Sets the fields of getrusage(2) that Linux does not maintain. They are always 0.
    mutating func zeroUnmaintainedFields() {
        sharedTextSize = 0
        unsharedDataSize = 0
        unsharedStackSize = 0
        swaps = 0
        messagesSent = 0
        messagesReceived = 0
        signalsReceived = 0
    }

    /// Sets the current use of the limits that apply to a process or its user.
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

    /// Sets the context switches of the current threads. Threads that have ended are missing.
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
