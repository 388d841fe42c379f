import RlimitKernel
import RlimitModel

/// Describes leases to one caller, with pids of the caller's PID namespace.
///
/// A pid in another PID namespace takes one file of /proc for each generation up to a common ancestor. Once a caller's
/// list has used up its time, the rest of the list has no pids, so that a long list does not delay other callers.
struct LeaseInfoBuilder {
    private let sharesNamespace: Bool
    private var view: PIDNamespaceTranslator?
    private var visiblePIDs: [ProcessIdentity: Int32?] = [:]
    private let deadline = BootInstant.now + Self.timeBudget

    private static let timeBudget: Duration = .microseconds(500)
    private static let maxNamespaceDepth = 16

    init(_ peer: Peer) {
        sharesNamespace = peer.sharesNamespace
        guard !sharesNamespace, let own = peer.pid, let depth = peer.namespaceDepth else { return }
        view = PIDNamespaceTranslator(of: own, depth: depth, within: Self.maxNamespaceDepth)
    }

    mutating func info(of lease: Lease, at now: BootInstant) -> LeaseInfo {
        LeaseInfo(
            id: lease.id, pid: number(of: lease.process), changes: lease.parts.map(\.change),
            remaining: lease.endsAt.map { max(.zero, $0 - now) }, rule: lease.rule)
    }

    private mutating func number(of process: ProcessIdentity) -> Int32? {
        if sharesNamespace { return process.pid }
        if let known = visiblePIDs[process] { return known }
        let number = BootInstant.now < deadline ? view?.number(of: process.pid) : nil
        visiblePIDs[process] = .some(number)
        return number
    }
}
