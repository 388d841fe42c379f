// Errors that more than one module reports, each with its only message.

extension RlimitError {
    /// A compare-and-set found other limits than it expected.
    package static func conflict(
        _ resource: Resource, now: Limit, expected: Limit, editIndex: Int? = nil
    ) -> RlimitError {
        RlimitError(
            .conflict, message: "\(resource) is \(now) now, not \(expected) as expected", resource: resource,
            editIndex: editIndex)
    }

    /// A lease of a resource that `Resource.leasable` does not list.
    package static func notLeasable(_ resource: Resource, editIndex: Int? = nil) -> RlimitError {
        let leasable = Resource.leasable.map(\.name).joined(separator: ", ")
        return RlimitError(
            .unsupported,
            message: "\(resource) cannot be leased, because lowering it at the end could do harm or have no effect; "
                + "leasable resources are \(leasable)",
            resource: resource, editIndex: editIndex)
    }

    /// A `set` without edits.
    package static let noEdits = RlimitError(.invalidArgument, message: "the request contains no edit")

    /// A second edit of one resource: each would be decided against limits that the other changes.
    package static func repeatedEdit(of resource: Resource, at index: Int) -> RlimitError {
        RlimitError(
            .invalidArgument, message: "edit \(index) is the second edit of \(resource)", resource: resource,
            editIndex: index)
    }

    /// A response, or the outcome of one process, of a kind that only newer clients know.
    package static let unknownOutcome = RlimitError(
        .unsupported, message: "an answer of a kind that this client does not know")
}
