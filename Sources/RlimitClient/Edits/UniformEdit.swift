package import RlimitModel

/// An edit with the same meaning for every process, independent of its current limits, so that it can be applied to a
/// cgroup.
///
/// "The current hard limit" and "the maximum" become a CLAMP to infinity, which stops at exactly these values.
package struct UniformEdit: Sendable {
    let edit: NumericEdit
    // Whether the clamp stands for a symbolic value. Such an edit never falls short.
    private let isSymbolic: Bool

    /// - Throws: `.unsupported` for an edit whose result depends on each process.
    package init(_ edit: Edit, at index: Int) throws(RlimitError) {
        var numeric = NumericEdit(edit.resource, mode: edit.mode, expecting: edit.expecting)
        isSymbolic = edit.dependsOnMax || Self.raisesSoftToHard(edit)
        if isSymbolic { numeric.mode = .clamp }
        switch edit.values {
        case .single(.bound(let bound)) where edit.mode != .exact: (numeric.soft, numeric.hard) = (bound, bound)
        case .single(.most), .halves(soft: .most, hard: .most):
            (numeric.soft, numeric.hard) = (.infinity, .infinity)
        case .halves(soft: nil, hard: .most): numeric.hard = .infinity
        case _ where Self.raisesSoftToHard(edit): numeric.soft = .infinity
        // The hard half is kept.
        case .halves(soft: .bound(let soft), hard: .hard): numeric.soft = soft
        case .halves(soft: .bound(let soft), hard: .bound(let hard)): (numeric.soft, numeric.hard) = (soft, hard)
        case .halves(soft: .bound(let soft), hard: nil): numeric.soft = soft
        case .halves(soft: nil, hard: .bound(let hard)): numeric.hard = hard
        default: throw .notUniform(edit, index)
        }
        self.edit = numeric
    }

    /// Converts a batch.
    ///
    /// - Throws: Also `.invalidArgument` for a resource that is named twice, and for an empty batch.
    static func list(_ edits: [Edit]) throws(RlimitError) -> [UniformEdit] {
        try EditPlan.requireDistinct(edits.lazy.map(\.resource))
        guard !edits.isEmpty else { throw RlimitError(.invalidArgument, message: "there is no edit to apply") }
        var uniformEdits: [UniformEdit] = []
        for (index, edit) in edits.enumerated() { uniformEdits.append(try UniformEdit(edit, at: index)) }
        return uniformEdits
    }

    /// Converts the agent's change to the terms of the original edit.
    func reported(_ change: Change) -> Change {
        guard isSymbolic else { return change }
        var change = change
        change.shortfall = nil
        return change
    }

    private static func raisesSoftToHard(_ edit: Edit) -> Bool {
        switch edit.values {
        case .single(.hard), .halves(soft: .hard, hard: nil), .halves(soft: .hard, hard: .hard): true
        default: false
        }
    }
}

extension RlimitError {
    fileprivate static func notUniform(_ edit: Edit, _ index: Int) -> RlimitError {
        let resource = edit.resource
        let message =
            if case .single(.bound(let bound)) = edit.values {
                "\(resource)=\(bound) would come to different limits in the processes of a cgroup, by the hard limit that each "
                    + "has: say both halves (\(bound):\(bound)), soft alone (\(bound):), or raise to at least that"
            } else {
                "for the processes of a cgroup, \"hard\" and \"max\" can be said of both halves of \(resource) together, "
                    + "and not beside another value"
            }
        return RlimitError(.unsupported, message: message, resource: resource, editIndex: index)
    }
}
