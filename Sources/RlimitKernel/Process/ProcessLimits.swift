internal import CRlimitLinux
package import RlimitModel

/// Reads and sets limits with prlimit(2). A pid of 0 or below is never passed to the kernel, because 0 would name the
/// calling process.
package enum ProcessLimits {
    /// The current limit of a process. prlimit(2).
    package static func read(
        _ resource: Resource, of pid: Int32, allowingInit: Bool = false
    ) throws(SystemError) -> Limit {
        try PIDValidation.check(pid, allowingInit: allowingInit)
        return try call(pid, resource, nil)
    }

    /// Sets a limit of a process and returns the previous one. prlimit(2).
    package static func exchange(
        _ resource: Resource, of pid: Int32, for new: Limit, allowingInit: Bool = false
    ) throws(SystemError) -> Limit {
        try PIDValidation.check(pid, allowingInit: allowingInit)
        return try call(pid, resource, new)
    }

    /// The current limit of this process. prlimit(2).
    package static func readOwn(_ resource: Resource) throws(SystemError) -> Limit { try call(0, resource, nil) }

    /// Sets a limit of this process and returns the previous one. prlimit(2).
    package static func exchangeOwn(_ resource: Resource, for new: Limit) throws(SystemError) -> Limit {
        try call(0, resource, new)
    }

    private static func call(_ pid: Int32, _ resource: Resource, _ new: Limit?) throws(SystemError) -> Limit {
        var old = rl_limit()
        if let new {
            var wanted = rl_limit(soft: new.soft.rawValue, hard: new.hard.rawValue)
            try SystemCall.value("prlimit") { unsafe rl_prlimit(pid, Int32(resource.index), &wanted, &old) }
        } else {
            try SystemCall.value("prlimit") { unsafe rl_prlimit(pid, Int32(resource.index), nil, &old) }
        }
        return Limit(soft: Limit.Bound(rawValue: old.soft), hard: Limit.Bound(rawValue: old.hard))
    }
}
