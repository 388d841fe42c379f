/// Facts about a process from /proc, in addition to its ids. Each part costs reads, so the agent reads a part only if a
/// rule depends on it.
package struct ProcessDetail: Hashable, Sendable {
    /// The parts that are valid.
    package private(set) var parts: Parts
    /// Whether it is a kernel thread.
    package private(set) var isKernelThread: Bool
    /// Its permitted capabilities, one bit each (capabilities(7)).
    package private(set) var capabilities: UInt64
    /// The path of its cgroup from the root of the hierarchy; nil if not readable.
    package private(set) var cgroup: String?
    /// Its ancestors, nearest first, as far as they are readable.
    package private(set) var ancestors: [Int32]

    /// No valid part.
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

    /// Copies the valid parts of another detail.
    package mutating func merge(_ other: ProcessDetail) {
        if other.parts.contains(.kernelThread) { isKernelThread = other.isKernelThread }
        if other.parts.contains(.capabilities) { capabilities = other.capabilities }
        if other.parts.contains(.cgroup) { cgroup = other.cgroup }
        if other.parts.contains(.ancestors) { ancestors = other.ancestors }
        parts.formUnion(other.parts)
    }
}
