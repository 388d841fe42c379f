import RlimitKernel
import RlimitModel

/// A process that connections speak of, held by one pidfd for all of them. Of who it is nothing is kept beyond a turn.
final class HeldProcess {
    let process: KernelProcess
    fileprivate var holders = 1
    private let count: HeldCount
    private var lookedAt: UInt64 = 0
    private var identity: Identity?
    /// What tells it from every other; nil where it had ended when that was asked first.
    private(set) lazy var birth = try? process.birth()
    // What has been read since that look.
    private var detail: ProcessDetail?

    fileprivate init(_ process: consuming KernelProcess, _ count: HeldCount) {
        self.process = process
        self.count = count
        count.processes += 1
    }

    deinit { count.processes -= 1 }

    /// Who it is; nil once it has ended. Asked once for each `occasion`: gets that were all read before it share the look.
    func identity(on occasion: UInt64) -> Identity? {
        if lookedAt != occasion {
            identity = try? process.livingIdentity()
            lookedAt = occasion
            detail = nil
        }
        return identity
    }

    /// What /proc says of it, each part read once after a look: the kernel may take milliseconds to show it.
    func detail(_ parts: ProcessDetail.Parts) throws(RlimitError) -> ProcessDetail {
        var known = detail ?? .none
        if !known.parts.isSuperset(of: parts) { known.take(try process.detail(parts)) }
        detail = known
        return known
    }
}

/// The processes that are held, by number.
struct HeldProcesses {
    private var byNumber: [Int32: HeldProcess] = [:]
    let count = HeldCount()
    /// How many descriptors may be held.
    var room = Int.max {
        didSet { look() }
    }
    /// As many are held, or more; as it was when somebody last looked.
    private(set) var isShort = false

    mutating func look() { isShort = count.all >= room }

    /// The process that has this number. Whoever holds one releases it.
    mutating func hold(_ pid: Int32) throws(RlimitError) -> HeldProcess {
        if let held = byNumber[pid] {
            held.holders += 1
            return held
        }
        return keep(HeldProcess(try KernelProcess(pid: pid), count))
    }

    /// A process that was just found alive.
    mutating func hold(_ process: consuming KernelProcess) -> HeldProcess {
        // While both live, they are one: no two have one number.
        if let held = byNumber[process.pid], !held.process.hasEnded {
            held.holders += 1
            return held
        }
        return keep(HeldProcess(process, count))
    }

    mutating func release(_ held: HeldProcess) {
        held.holders -= 1
        if held.holders == 0 { forget(held) }
    }

    /// It has ended, and its number may be another's.
    mutating func forget(_ held: HeldProcess) {
        if byNumber[held.process.pid] === held { byNumber[held.process.pid] = nil }
    }

    private mutating func keep(_ held: HeldProcess) -> HeldProcess {
        byNumber[held.process.pid] = held
        look()
        return held
    }
}

/// How many descriptors are held now for connections, besides their sockets, and for leases.
final class HeldCount {
    fileprivate(set) var processes = 0
    /// Of peers, for frames that are not read yet.
    fileprivate(set) var attachments = 0

    var all: Int { processes + attachments }
}

/// The place that a peer's descriptor takes while it waits for its frame.
final class AttachmentPlace {
    private let count: HeldCount
    private let account: Account

    init(_ count: HeldCount, _ account: Account) {
        self.count = count
        self.account = account
        count.attachments += 1
        account.attachments += 1
    }

    deinit {
        count.attachments -= 1
        account.attachments -= 1
    }
}
