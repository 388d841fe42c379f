internal import RlimitModel
internal import Synchronization

/// A /proc file that is read repeatedly. Stays open, which halves the cost of a read, while enough descriptors are
/// free. Otherwise each read opens it.
struct CachedProcFile: ~Copyable {
    private let path: ProcPath
    private let file: FileDescriptor?

    /// The number of descriptors that all instances hold.
    private static let openCount = Atomic(0)

    init(_ path: ProcPath, pathOnly: Bool = false) {
        self.path = path
        file = Self.hasSpareDescriptors ? try? path.open(pathOnly: pathOnly) : nil
        if file != nil { Self.openCount.add(1, ordering: .relaxed) }
    }

    deinit { if file != nil { Self.openCount.subtract(1, ordering: .relaxed) } }

    // At most a quarter of the soft limit. The application needs the other descriptors.
    private static var hasSpareDescriptors: Bool {
        guard let limit = try? ProcessLimits.readOwn(.openFiles) else { return false }
        return UInt64(openCount.load(ordering: .relaxed)) < limit.soft.rawValue / 4
    }

    /// Reads the current content from the beginning.
    func read() throws(SystemError) -> ProcFile {
        // A switch borrows the noncopyable value.
        switch file {
        case .some(let file): return ProcFile(reused: file)
        case .none: return try ProcFile(path)
        }
    }

    /// The number of open descriptors of a process, if this is its fd folder.
    func openFiles(of pid: Int32) -> UInt64? {
        switch file {
        case .some(let directory): Procfs.openFiles(of: pid, in: directory)
        case .none: Procfs.openFiles(of: pid)
        }
    }
}
