import RlimitModel

/// The limits of one process, as its own user may read and change them: the kernel's, or a model of it in a test.
protocol LimitStore: ~Copyable {
    /// - Throws: `.deniedByKernel`, `.noSuchProcess`.
    func read(_ resource: Resource) throws(RlimitError) -> Limit

    /// Sets both halves at once and returns what they were.
    ///
    /// - Throws: `.deniedByKernel`, `.aboveSystemCeiling`, `.noSuchProcess`.
    func exchange(_ resource: Resource, for new: Limit) throws(RlimitError) -> Limit

    /// The greatest hard limit of open files, where it is known.
    var openFilesCeiling: Limit.Bound? { get }
}
