internal import CRlimitLinux
package import RlimitModel

/// prlimit(2), for others by number and for ourselves. A number that names no process never reaches the kernel, which would
/// take 0 for ourselves.
package enum ProcessLimits {
    /// The limits of a process now. prlimit(2).
    package static func read(
        _ resource: Resource, of pid: Int32, allowingInit: Bool = false
    ) throws(SystemError) -> Limit {
        try PIDValidation.check(pid, allowingInit: allowingInit)
        return try call(pid, resource, nil)
    }

    /// Sets the limits of a process, and tells what they were. prlimit(2).
    package static func exchange(
        _ resource: Resource, of pid: Int32, for new: Limit, allowingInit: Bool = false
    ) throws(SystemError) -> Limit {
        try PIDValidation.check(pid, allowingInit: allowingInit)
        return try call(pid, resource, new)
    }

    /// Our own limits now. prlimit(2).
    package static func readOwn(_ resource: Resource) throws(SystemError) -> Limit { try call(0, resource, nil) }

    /// Sets our own limits, and tells what they were. prlimit(2).
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
