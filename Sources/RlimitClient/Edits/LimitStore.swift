import RlimitModel

/// The limits of one process, as its owner can read and change them: the kernel's, or a model of them in a test.
protocol LimitStore: ~Copyable {
    /// - Throws: `.deniedByKernel`, `.noSuchProcess`.
    func read(_ resource: Resource) throws(RlimitError) -> Limit

    /// Sets both halves at once and returns the old limit.
    ///
    /// - Throws: `.deniedByKernel`, `.aboveSystemCeiling`, `.noSuchProcess`.
    func exchange(_ resource: Resource, for new: Limit) throws(RlimitError) -> Limit

    /// The maximum hard limit of open files, if known.
    var openFilesCeiling: Limit.Bound? { get }
}
