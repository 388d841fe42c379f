internal import RlimitModel
internal import Synchronization

/// A file of /proc that is read again and again: kept open, which costs half of opening it each time, as long as that leaves
/// descriptors for others; else opened anew.
struct CachedProcFile: ~Copyable {
    private let path: ProcPath
    private let file: FileDescriptor?

    /// Held by all of them together.
    private static let openCount = Atomic(0)

    init(_ path: ProcPath, pathOnly: Bool = false) {
        self.path = path
        file = Self.hasSpareDescriptors ? try? path.open(pathOnly: pathOnly) : nil
        if file != nil { Self.openCount.add(1, ordering: .relaxed) }
    }

    deinit { if file != nil { Self.openCount.subtract(1, ordering: .relaxed) } }

    // The rest of its descriptors is the application's.
    private static var hasSpareDescriptors: Bool {
        guard let limit = try? ProcessLimits.readOwn(.openFiles) else { return false }
        return UInt64(openCount.load(ordering: .relaxed)) < limit.soft.rawValue / 4
    }

    /// From the beginning, as it is now.
    func read() throws(SystemError) -> ProcFile {
        // A switch borrows what it looks at.
        switch file {
        case .some(let file): return ProcFile(reused: file)
        case .none: return try ProcFile(path)
        }
    }

    /// Of the folder of a process's descriptors: how many there are.
    func openFiles(of pid: Int32) -> UInt64? {
        switch file {
        case .some(let directory): Procfs.openFiles(of: pid, in: directory)
        case .none: Procfs.openFiles(of: pid)
        }
    }
}
