/// A set of resources, iterated in the order of the Linux headers. Stored as 16 bits, so that copies are cheap.
package struct ResourceSet: Hashable, Sendable, Sequence {
    private var bits: UInt16

    package static let none = ResourceSet(bits: 0)
    package static let all = ResourceSet(bits: .max)

    private init(bits: UInt16) { self.bits = bits }

    package init(only resource: Resource) { bits = 1 << UInt16(resource.index) }

    package init(_ resources: some Sequence<Resource>) {
        self = .none
        for resource in resources { insert(resource) }
    }

    package var isEmpty: Bool { bits == 0 }
    package var count: Int { bits.nonzeroBitCount }

    /// The only element; nil if the set has another count than 1.
    package var only: Resource? {
        bits != 0 && bits & (bits - 1) == 0 ? Resource(index: bits.trailingZeroBitCount) : nil
    }

    package func contains(_ resource: Resource) -> Bool { bits & (1 << UInt16(resource.index)) != 0 }

    package func meets(_ other: ResourceSet) -> Bool { bits & other.bits != 0 }

    package func union(_ other: ResourceSet) -> ResourceSet { ResourceSet(bits: bits | other.bits) }

    /// Returns false if the resource was in the set already.
    @discardableResult
    package mutating func insert(_ resource: Resource) -> Bool {
        defer { bits |= 1 << UInt16(resource.index) }
        return !contains(resource)
    }

    package mutating func remove(_ resource: Resource) { bits &= ~(1 << UInt16(resource.index)) }

    package struct Iterator: IteratorProtocol {
        fileprivate var bits: UInt16

        package mutating func next() -> Resource? {
            guard bits != 0 else { return nil }
            defer { bits &= bits - 1 }
            return Resource(index: bits.trailingZeroBitCount)
        }
    }

    package func makeIterator() -> Iterator { Iterator(bits: bits) }
}
