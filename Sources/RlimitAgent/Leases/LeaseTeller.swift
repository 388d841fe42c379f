import RlimitKernel
import RlimitModel

/// Leases as one caller is told of them: numbers of processes as it knows them.
///
/// To find out a number in another PID namespace takes a file of /proc for each generation up to a common ancestor. Whoever
/// makes that long is told no numbers, for the sake of all others.
struct LeaseTeller {
    private let sharesNamespace: Bool
    private var view: NamespaceView?
    private var numbers: [ProcessBirth: Int32?] = [:]
    private let end = Moment.now + Self.time

    private static let time: Duration = .microseconds(500)
    private static let generations = 16

    init(_ peer: Peer) {
        sharesNamespace = peer.sharesNamespace
        guard !sharesNamespace, let own = peer.pid, let depth = peer.namespaceDepth else { return }
        view = NamespaceView(of: own, depth: depth, within: Self.generations)
    }

    mutating func info(of lease: Lease, at now: Moment) -> LeaseInfo {
        LeaseInfo(
            id: lease.id, pid: number(of: lease.process), changes: lease.parts.map(\.change),
            remaining: lease.endsAt.map { max(.zero, $0 - now) }, rule: lease.rule)
    }

    private mutating func number(of process: ProcessBirth) -> Int32? {
        if sharesNamespace { return process.pid }
        if let known = numbers[process] { return known }
        let number = Moment.now < end ? view?.number(of: process.pid) : nil
        numbers[process] = .some(number)
        return number
    }
}
