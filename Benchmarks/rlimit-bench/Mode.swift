import ArgumentParser

/// What is measured.
enum Mode: String, CaseIterable, ExpressibleByArgument {
    /// When the first call of a server that is only starting is answered.
    case first
    /// One connection with one call outstanding: through the client that applications use.
    case lat
    /// Many connections, each with one call outstanding.
    case conc
    /// One connection with many calls outstanding.
    case pipe
    /// Sets of the caller itself, beside prlimit(2) in C.
    case setSelf = "set-self"
    /// Sets of another process by pidfd, beside prlimit(2) in C.
    case setPidfd = "set-pidfd"
    /// Sets of every process of a cgroup, beside prlimit(2) in C.
    case setCgroup = "set-cgroup"

    /// Whether it is a comparison of sets, whose arguments end with CALLS.
    var isComparison: Bool { rawValue.hasPrefix("set-") }

    /// Whether PARAM means something.
    var takesParameter: Bool { self == .conc || self == .pipe }
}
