import RlimitKernel
import RlimitModel

/// A process that connections name, held by one pidfd for all of them. Its credentials are kept for one iteration only.
final class CachedProcess {
    let process: LinuxProcess
    private var referenceCount = 1
    private let descriptorCount: DescriptorCount
    private var identityBatch: UInt64 = 0
    private var identity: ProcessCredentials?
    /// The identity that no other process ever has; nil if the process had ended when this was read first.
    private(set) lazy var birth = try? process.birth()
    // What was read since `identity` was.
    private var detail: ProcessDetail?

    init(_ process: consuming LinuxProcess, _ descriptorCount: DescriptorCount) {
        self.process = process
        self.descriptorCount = descriptorCount
        descriptorCount.add(processes: 1)
    }

    deinit { descriptorCount.add(processes: -1) }

    func retain() { referenceCount += 1 }

    /// - Returns: Whether this was the last reference.
    func release() -> Bool {
        referenceCount -= 1
        return referenceCount == 0
    }

    /// The credentials; nil once the process has ended. They are read once for each `batch`, and serve all gets
    /// with a limit that was read before.
    func identity(inBatch batch: UInt64) -> ProcessCredentials? {
        if identityBatch != batch {
            identity = try? process.livingIdentity()
            identityBatch = batch
            detail = nil
        }
        return identity
    }

    /// What /proc shows of the process. Each part is read once for each look, because the kernel may take milliseconds.
    func detail(_ parts: ProcessDetail.Parts) throws(RlimitError) -> ProcessDetail {
        var known = detail ?? .none
        if !known.parts.isSuperset(of: parts) { known.merge(try process.detail(parts)) }
        detail = known
        return known
    }
}
