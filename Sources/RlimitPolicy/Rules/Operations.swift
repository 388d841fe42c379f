/// What a rule speaks of.
package struct Operations: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Reading limits.
    package static let get = Operations(rawValue: 1)
    /// Changing limits, by `set` or `prlimit`.
    package static let set = Operations(rawValue: 2)
    /// Reading what was used.
    package static let usage = Operations(rawValue: 4)
    /// The agent's own figures.
    package static let stats = Operations(rawValue: 8)
    /// Everyone's leases.
    package static let leaseList = Operations(rawValue: 16)

    /// Those that speak of a process: what a rule is about where it names no operations.
    package static let onProcesses: Operations = [.get, .set, .usage]
}
