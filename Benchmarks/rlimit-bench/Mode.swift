import ArgumentParser

/// The kind of measurement.
enum Mode: String, CaseIterable, ExpressibleByArgument {
    /// The time of the first response of a server that starts.
    case first
    /// One connection with one outstanding call, through the client for applications.
    case lat
    /// Many connections with one outstanding call each.
    case conc
    /// One connection with many outstanding calls.
    case pipe
    /// Sets of the caller itself, beside prlimit(2) in C.
    case setSelf = "set-self"
    /// Sets of another process by pidfd, beside prlimit(2) in C.
    case setPidfd = "set-pidfd"
    /// Sets of every process of a cgroup, beside prlimit(2) in C.
    case setCgroup = "set-cgroup"

    /// The mode compares sets, and its arguments end with CALLS.
    var isComparison: Bool { rawValue.hasPrefix("set-") }

    /// The mode uses PARAM.
    var takesParameter: Bool { self == .conc || self == .pipe }
}
