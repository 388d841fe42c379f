internal import CRlimitLinux
package import RlimitModel

/// Resource usage of the current process. getrusage(2).
package enum OwnUsage {
    /// The usage of this process, of its reaped children, or of both, and the current use of its limits.
    package static func usage(_ scope: Usage.Scope) throws(SystemError) -> Usage {
        var usage: Usage
        switch scope {
        case .process: usage = try Usage(getrusage: RL_USAGE_PROCESS)
        case .children: return try Usage(getrusage: RL_USAGE_CHILDREN)
        case .processAndChildren: usage = try Usage(getrusage: RL_USAGE_PROCESS) + Usage(getrusage: RL_USAGE_CHILDREN)
        }
        let pid = rl_process_id()
        // If /proc is not mounted, the current use stays unknown.
        if let stat = try? ProcStat(of: pid), let status = try? ProcStatus(of: pid) {
            usage.setInUse(of: pid, stat, status)
        }
        return usage
    }

    /// The usage of the calling thread.
    package static func threadUsage() throws(SystemError) -> Usage { try Usage(getrusage: RL_USAGE_THREAD) }

    package static var pageSize: Int { Int(rl_page_size()) }
}

extension Usage {
    fileprivate init(getrusage who: rl_usage_who) throws(SystemError) {
        var native = rl_usage()
        try SystemCall.value("getrusage") { unsafe rl_usage(who, &native) }
        self.init()
        zeroUnmaintainedFields()
        userTime = .seconds(native.user_seconds) + .microseconds(native.user_microseconds)
        systemTime = .seconds(native.system_seconds) + .microseconds(native.system_microseconds)
        maxResidentSize = UInt64(clamping: native.max_resident_kibibytes) << 10
        minorFaults = UInt64(clamping: native.minor_faults)
        majorFaults = UInt64(clamping: native.major_faults)
        blockInputs = UInt64(clamping: native.block_inputs)
        blockOutputs = UInt64(clamping: native.block_outputs)
        voluntaryContextSwitches = UInt64(clamping: native.voluntary_switches)
        involuntaryContextSwitches = UInt64(clamping: native.involuntary_switches)
    }

    // As the kernel's RUSAGE_BOTH: the sum of each field, but the maximum of the resident sizes.
    fileprivate static func + (left: Usage, right: Usage) -> Usage {
        var sum = left
        sum.userTime = (left.userTime ?? .zero) + (right.userTime ?? .zero)
        sum.systemTime = (left.systemTime ?? .zero) + (right.systemTime ?? .zero)
        sum.maxResidentSize = max(left.maxResidentSize ?? 0, right.maxResidentSize ?? 0)
        sum.minorFaults = (left.minorFaults ?? 0) &+ (right.minorFaults ?? 0)
        sum.majorFaults = (left.majorFaults ?? 0) &+ (right.majorFaults ?? 0)
        sum.blockInputs = (left.blockInputs ?? 0) &+ (right.blockInputs ?? 0)
        sum.blockOutputs = (left.blockOutputs ?? 0) &+ (right.blockOutputs ?? 0)
        sum.voluntaryContextSwitches = (left.voluntaryContextSwitches ?? 0) &+ (right.voluntaryContextSwitches ?? 0)
        sum.involuntaryContextSwitches =
            (left.involuntaryContextSwitches ?? 0) &+ (right.involuntaryContextSwitches ?? 0)
        return sum
    }
}
