import RlimitKernel
import RlimitModel
import RlimitPolicy
import Synchronization

/// The audit records: one line for each change, and a bounded number of lines for refusals.
///
/// Each change has its line. Peers can cause refusals, faults and renewals without end, so the lines of one tenant and
/// kind are bounded, and a line with their number ends each minute.
package final class AuditLog: Sendable {
    private let sink: LogSink
    private let clock: @Sendable () -> BootInstant
    private let limiter = SharedLineLimiter<Source, Record>()
    // Whether changes are made although their lines may be lost.
    private let continuesWhenFull = Atomic<Bool>(false)

    package convenience init(sink: LogSink) { self.init(sink: sink) { .now } }

    /// - Parameter clock: The time that decides when a minute ends.
    init(sink: LogSink, clock: @escaping @Sendable () -> BootInstant) {
        self.sink = sink
        self.clock = clock
    }

    enum Verdict: Hashable {
        /// A change that the policy granted and the agent made.
        case granted
        /// A lease with a new end.
        case renewed
        /// A lease that ended, with the outcome for one limit.
        case ended
        /// A request that the policy or the kernel refused.
        case refused
        /// A change that may have reached a process other than the one that the policy decided on.
        case stray
        /// A connection that was closed because its peer broke the protocol.
        case fault

        var literal: StaticString {
            switch self {
            case .granted: "granted"
            case .renewed: "renewed"
            case .ended: "ended"
            case .refused: "refused"
            case .stray: "stray"
            case .fault: "fault"
            }
        }
    }

    // MARK: Changes

    func adopt(_ settings: AuditSettings) {
        continuesWhenFull.store(settings.onFull == .continue, ordering: .relaxed)
    }

    /// Whether another change may be made: its lines have room, or the policy accepts that they are lost.
    var acceptsChange: Bool { sink.hasRoomForChange || continuesWhenFull.load(ordering: .relaxed) }

    private func writeChange(_ line: consuming LogLine) {
        sink.write(line, as: continuesWhenFull.load(ordering: .relaxed) ? .droppableChange : .change)
    }

    /// Records a leased limit, whether or not it changed for the lease.
    func leaseGranted(_ change: Change, _ lease: Lease, _ term: LeaseTerm, by peer: Peer) {
        var line = begin(.granted, peer, "set")
        line.add("target_pid", lease.process.pid)
        line.add("resource", change.resource.name)
        line.add("old", change.old)
        line.add("new", change.new)
        if case .agent(let rule?) = change.grantedBy { line.add("rule", rule) }
        Self.add(lease, endingAfter: lease.endsAt.map { $0 - lease.grantedAt }, to: &line)
        writeChange(line)
    }

    /// Records the end of a lease for one limit.
    ///
    /// - Parameter peer: The caller that released it; nil if it ended by itself, in which case the record names the
    ///   lease holder.
    func leaseEnded(
        _ restoration: Restoration, of lease: Lease, because cause: Lease.Cause, by peer: Peer? = nil
    ) {
        let holder = Peer(pid: lease.holder.process?.pid, uid: lease.holder.uid, gid: lease.holder.gid)
        var line = begin(.ended, peer ?? holder, cause == .released ? "lease_release" : "lease")
        line.add("target_pid", lease.process.pid)
        line.add("resource", restoration.resource.name)
        if let limit = restoration.limit { line.add("new", limit) }
        line.add("rule", lease.rule)
        line.add("lease", lease.id.description)
        line.add("cause", cause.rawValue)
        line.add("outcome", restoration.outcome.literal)
        writeChange(line)
    }

    /// Records an edit.
    func limitChanged(_ edit: AuthorizedEdit, by peer: Peer, operation: StaticString, target: Int32) {
        var line = begin(.granted, peer, operation)
        line.add("target_pid", target)
        line.add("resource", edit.resource.name)
        line.add("old", edit.old)
        line.add("new", edit.new)
        line.add("rule", edit.rule ?? "baseline")
        writeChange(line)
    }

    /// Records a change that may have reached another process.
    func strayed(_ error: RlimitError, to peer: Peer, operation: StaticString, target: Int32?, asked: NumericEdit?) {
        let refusal = Refusal(error: error, operation: operation, target: target, asked: asked)
        writeChange(line(of: refusal, .stray, to: peer))
    }

    // MARK: What peers cause without a change

    func refused(
        _ error: RlimitError, to peer: Peer, of tenant: Tenant, operation: StaticString,
        target: Int32? = nil, asked: NumericEdit? = nil
    ) {
        let verdict: Verdict = error.code == .targetChanged ? .stray : error.code == .malformed ? .fault : .refused
        let refusal = Refusal(error: error, operation: operation, target: target, asked: asked)
        writeBounded(Record(verdict, .refusal(refusal), peer), of: tenant)
    }

    /// Logs how many refusals of a cgroup's processes were not logged individually.
    func refusalsSuppressed(
        _ count: Int, of cgroup: String, to peer: Peer, of tenant: Tenant, operation: StaticString
    ) {
        let record = Record(.refused, .cgroupRefusals(count, cgroup: cgroup, operation: operation), peer)
        writeBounded(record, of: tenant, weight: count)
    }

    /// A renewal changes no limit, and the end of the lease has its own line.
    func leaseRenewed(_ lease: Lease, at now: BootInstant, by peer: Peer, of tenant: Tenant) {
        writeBounded(Record(.renewed, .renewal(lease, at: now), peer), of: tenant)
    }

    private func writeBounded(_ record: Record, of tenant: Tenant, weight: Int = 1) {
        let source = Source(tenant: tenant, verdict: record.verdict, operation: "\(record.operation)")
        guard limiter.admit(source, record, weight: weight, now: clock(), report: report) else { return }
        sink.write(line(of: record), as: .refusal)
    }

    /// Whether counts will be due at some time.
    var hasSuppressed: Bool { limiter.hasSuppressed }

    /// Logs the numbers of records that were not written, if their minute is over.
    func endMinute(at now: BootInstant) { limiter.endMinute(at: now, report: report) }

    // The last of the records that were not written, with their number.
    private func report(_ suppressed: SharedLineLimiter<Source, Record>.Suppressed) {
        var line = line(of: suppressed.last)
        line.add("suppressed", suppressed.count)
        sink.write(line, as: .refusal)
    }

    /// The tenant and the kind of a record.
    private struct Source: Hashable {
        let tenant: Tenant
        let verdict: Verdict
        let operation: String
    }

    /// A record of which the number is bounded.
    private struct Record {
        enum Content {
            case refusal(Refusal)
            case cgroupRefusals(Int, cgroup: String, operation: StaticString)
            case renewal(Lease, at: BootInstant)
        }

        let verdict: Verdict
        let content: Content
        let peer: Peer

        init(_ verdict: Verdict, _ content: Content, _ peer: Peer) {
            self.verdict = verdict
            self.content = content
            // Without the groups, of which a peer may have 65536: the limiter keeps the last record of each source.
            self.peer = Peer(pid: peer.pid, uid: peer.uid, gid: peer.gid)
        }

        var operation: StaticString {
            switch content {
            case .refusal(let refusal): refusal.operation
            case .cgroupRefusals(_, _, let operation): operation
            case .renewal: "lease_renew"
            }
        }
    }

    private struct Refusal {
        let error: RlimitError
        let operation: StaticString
        let target: Int32?
        let asked: NumericEdit?
    }

    // MARK: Lines

    private func line(of record: Record) -> LogLine {
        switch record.content {
        case .refusal(let refusal): return line(of: refusal, record.verdict, to: record.peer)
        case .cgroupRefusals(let count, let cgroup, let operation):
            var line = begin(record.verdict, record.peer, operation)
            line.add("cgroup", cgroup)
            line.add("processes", count)
            line.add("message", "refused for \(count) more processes of the cgroup")
            return line
        case .renewal(let lease, let now):
            var line = begin(record.verdict, record.peer, record.operation)
            line.add("target_pid", lease.process.pid)
            line.add("rule", lease.rule)
            Self.add(lease, endingAfter: lease.endsAt.map { $0 - now }, to: &line)
            return line
        }
    }

    private func line(of refusal: Refusal, _ verdict: Verdict, to peer: Peer) -> LogLine {
        var line = begin(verdict, peer, refusal.operation)
        let error = refusal.error
        if let target = refusal.target { line.add("target_pid", target) }
        line.add("resource", error.resource?.name ?? refusal.asked?.resource.name)
        if let asked = refusal.asked {
            line.add("asked", "\(asked.soft.map(\.description) ?? ""):\(asked.hard.map(\.description) ?? "")")
        }
        line.add("code", error.code.rawValue)
        line.add("rule", error.rule)
        line.add("message", error.message)
        return line
    }

    private static func add(_ lease: Lease, endingAfter time: Duration?, to line: inout LogLine) {
        line.add("lease", lease.id.description)
        line.add("term", literal: lease.term == .connection ? "connection" : "duration")
        if let time { line.add("ends_in_ms", time.nanoseconds / 1_000_000) }
    }

    private func begin(_ verdict: Verdict, _ peer: Peer, _ operation: StaticString) -> LogLine {
        var line = LogLine(sink.format)
        line.add("time", Timestamp.now())
        line.add("level", literal: verdict.isWarning ? "warning" : "notice")
        line.add("event", literal: "audit")
        line.add("verdict", literal: verdict.literal)
        line.add("operation", literal: operation)
        line.add("peer_pid", peer.pid ?? 0)
        line.add("peer_uid", peer.uid)
        line.add("peer_gid", peer.gid)
        return line
    }
}

extension AuditLog.Verdict {
    fileprivate var isWarning: Bool {
        switch self {
        case .granted, .renewed, .ended: false
        case .refused, .stray, .fault: true
        }
    }
}

extension Restoration.Outcome {
    /// The name in the protocol.
    fileprivate var literal: String {
        switch self {
        case .restored: "restored"
        case .heldByAnotherLease: "held-by-another-lease"
        case .changedByTarget: "changed-by-target"
        case .identityChanged: "identity-changed"
        case .processEnded: "process-ended"
        }
    }
}
