/// What /proc says of a process beyond its ids. Costs several reads, so it is asked only where a rule depends on it.
package struct ProcessDetail: Hashable, Sendable {
    /// A thread of the kernel's own.
    package var isKernelThread: Bool
    /// Its permitted capabilities, a bit each (capabilities(7)).
    package var capabilities: UInt64
    /// Its cgroup's path from the root of the hierarchy, where it could be read.
    package var cgroup: String?
    /// The processes it descends from, nearest first, as far as they could be read.
    package var ancestors: [Int32]

    package init(isKernelThread: Bool, capabilities: UInt64, cgroup: String? = nil, ancestors: [Int32] = []) {
        self.isKernelThread = isKernelThread
        self.capabilities = capabilities
        self.cgroup = cgroup
        self.ancestors = ancestors
    }
}
