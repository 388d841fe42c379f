/// What /proc says of a process beyond its ids. Each part costs reads, so it is asked only where a rule depends on it.
package struct ProcessDetail: Hashable, Sendable {
    /// What of it was asked; the rest means nothing.
    package private(set) var parts: Parts
    /// A thread of the kernel's own.
    package private(set) var isKernelThread: Bool
    /// Its permitted capabilities, a bit each (capabilities(7)).
    package private(set) var capabilities: UInt64
    /// Its cgroup's path from the root of the hierarchy, where it could be read.
    package private(set) var cgroup: String?
    /// The processes it descends from, nearest first, as far as they could be read.
    package private(set) var ancestors: [Int32]

    /// Nothing was asked yet.
    package static let none = ProcessDetail(.none)

    package init(
        _ parts: Parts = .all, isKernelThread: Bool = false, capabilities: UInt64 = 0, cgroup: String? = nil,
        ancestors: [Int32] = []
    ) {
        self.parts = parts
        self.isKernelThread = isKernelThread
        self.capabilities = capabilities
        self.cgroup = cgroup
        self.ancestors = ancestors
    }

    package struct Parts: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        package static let none: Parts = []
        package static let kernelThread = Parts(rawValue: 1)
        package static let capabilities = Parts(rawValue: 2)
        package static let cgroup = Parts(rawValue: 4)
        package static let ancestors = Parts(rawValue: 8)
        package static let all: Parts = [.kernelThread, .capabilities, .cgroup, .ancestors]
    }

    /// Takes the parts over that another has.
    package mutating func merge(_ other: ProcessDetail) {
        if other.parts.contains(.kernelThread) { isKernelThread = other.isKernelThread }
        if other.parts.contains(.capabilities) { capabilities = other.capabilities }
        if other.parts.contains(.cgroup) { cgroup = other.cgroup }
        if other.parts.contains(.ancestors) { ancestors = other.ancestors }
        parts.formUnion(other.parts)
    }
}
