import RlimitKernel
import RlimitModel

/// A process that connections speak of, held by one pidfd for all of them. Of who it is nothing is kept beyond a turn.
final class CachedProcess {
    let process: LinuxProcess
    fileprivate var referenceCount = 1
    private let descriptorCount: DescriptorCount
    private var identityBatch: UInt64 = 0
    private var identity: ProcessCredentials?
    /// What tells it from every other; nil where it had ended when that was asked first.
    private(set) lazy var birth = try? process.birth()
    // What has been read since that look.
    private var detail: ProcessDetail?

    fileprivate init(_ process: consuming LinuxProcess, _ descriptorCount: DescriptorCount) {
        self.process = process
        self.descriptorCount = descriptorCount
        descriptorCount.processes += 1
    }

    deinit { descriptorCount.processes -= 1 }

    /// Who it is; nil once it has ended. Asked once for each `batch`: gets that were all read before it share the look.
    func identity(inBatch batch: UInt64) -> ProcessCredentials? {
        if identityBatch != batch {
            identity = try? process.livingIdentity()
            identityBatch = batch
            detail = nil
        }
        return identity
    }

    /// What /proc says of it, each part read once after a look: the kernel may take milliseconds to show it.
    func detail(_ parts: ProcessDetail.Parts) throws(RlimitError) -> ProcessDetail {
        var known = detail ?? .none
        if !known.parts.isSuperset(of: parts) { known.merge(try process.detail(parts)) }
        detail = known
        return known
    }
}

/// The processes that are held, by number.
struct ProcessCache {
    private var byNumber: [Int32: CachedProcess] = [:]
    let descriptorCount = DescriptorCount()
    /// How many descriptors may be held.
    var capacity = Int.max {
        didSet { updateShortage() }
    }
    /// As many are held, or more; as it was when somebody last looked.
    private(set) var isOverCapacity = false

    mutating func updateShortage() { isOverCapacity = descriptorCount.total >= capacity }

    /// The process that has this number. Whoever holds one releases it.
    mutating func acquire(_ pid: Int32) throws(RlimitError) -> CachedProcess {
        if let cached = byNumber[pid] {
            cached.referenceCount += 1
            return cached
        }
        return insert(CachedProcess(try LinuxProcess(pid: pid), descriptorCount))
    }

    /// A process that was just found alive.
    mutating func acquire(_ process: consuming LinuxProcess) -> CachedProcess {
        // While both live, they are one: no two have one number.
        if let cached = byNumber[process.pid], !cached.process.hasEnded {
            cached.referenceCount += 1
            return cached
        }
        return insert(CachedProcess(process, descriptorCount))
    }

    mutating func release(_ cached: CachedProcess) {
        cached.referenceCount -= 1
        if cached.referenceCount == 0 { evict(cached) }
    }

    /// It has ended, and its number may be another's.
    mutating func evict(_ cached: CachedProcess) {
        if byNumber[cached.process.pid] === cached { byNumber[cached.process.pid] = nil }
    }

    private mutating func insert(_ cached: CachedProcess) -> CachedProcess {
        byNumber[cached.process.pid] = cached
        updateShortage()
        return cached
    }
}

/// How many descriptors are held now for connections, besides their sockets, and for leases.
final class DescriptorCount {
    fileprivate(set) var processes = 0
    /// Of peers, for frames that are not read yet.
    fileprivate(set) var receivedDescriptors = 0

    var total: Int { processes + receivedDescriptors }
}

/// The place that a peer's descriptor takes while it waits for its frame.
final class ReceivedDescriptorSlot {
    private let descriptorCount: DescriptorCount
    private let tenantUsage: TenantUsage

    init(_ descriptorCount: DescriptorCount, _ tenantUsage: TenantUsage) {
        self.descriptorCount = descriptorCount
        self.tenantUsage = tenantUsage
        descriptorCount.receivedDescriptors += 1
        tenantUsage.receivedDescriptors += 1
    }

    deinit {
        descriptorCount.receivedDescriptors -= 1
        tenantUsage.receivedDescriptors -= 1
    }
}
