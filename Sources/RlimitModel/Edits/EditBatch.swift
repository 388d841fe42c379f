/// Up to sixteen edits. The first is stored inline, so that a request with one edit, the usual case, allocates nothing.
package struct EditBatch: Sendable {
    package static let capacity = 16
    // Not valid while the batch is empty.
    private var first = NumericEdit(.cpuTime)
    private var others: [NumericEdit] = []
    package private(set) var count = 0

    /// - Parameter count: The number of edits that will be appended.
    package init(reserving count: Int = 0) {
        if count > 1 { others.reserveCapacity(Swift.min(count, Self.capacity) - 1) }
    }

    package init(_ edit: NumericEdit) { append(edit) }

    package init(_ edits: some Sequence<NumericEdit>) {
        for edit in edits { append(edit) }
    }

    /// Returns false and appends nothing if the batch has sixteen edits already.
    @discardableResult
    package mutating func append(_ edit: NumericEdit) -> Bool {
        guard count < Self.capacity else { return false }
        if count == 0 { first = edit } else { others.append(edit) }
        count += 1
        return true
    }

    /// The resources of the edits.
    package var resources: ResourceSet {
        var resources = ResourceSet.none
        for index in 0..<count { resources.insert(self[index].resource) }
        return resources
    }
}

extension EditBatch: RandomAccessCollection, Hashable {
    package var startIndex: Int { 0 }
    package var endIndex: Int { count }
    package subscript(position: Int) -> NumericEdit { position == 0 ? first : others[position - 1] }

    package static func == (left: EditBatch, right: EditBatch) -> Bool { left.elementsEqual(right) }
    package func hash(into hasher: inout Hasher) { for edit in self { hasher.combine(edit) } }
}
