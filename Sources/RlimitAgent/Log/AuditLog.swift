import RlimitKernel
import RlimitModel
import RlimitPolicy

/// The audit records: one line for each change and each refusal.
package struct AuditLog: Sendable {
    private let sink: LogSink

    package init(sink: LogSink) { self.sink = sink }

    enum Verdict {
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

    /// Records a leased limit, whether or not it changed for the lease.
    func leaseGranted(_ change: Change, _ lease: Lease, _ term: LeaseTerm, by peer: Peer) {
        var line = begin(.granted, peer, "set")
        line.add("target_pid", lease.process.pid)
        line.add("resource", change.resource.name)
        line.add("old", change.old)
        line.add("new", change.new)
        if case .agent(let rule?) = change.grantedBy { line.add("rule", rule) }
        add(lease, endingAfter: lease.endsAt.map { $0 - lease.grantedAt }, to: &line)
        sink.write(line, isChange: true)
    }

    func leaseRenewed(_ lease: Lease, at now: BootInstant, by peer: Peer) {
        var line = begin(.renewed, peer, "lease_renew")
        line.add("target_pid", lease.process.pid)
        line.add("rule", lease.rule)
        add(lease, endingAfter: lease.endsAt.map { $0 - now }, to: &line)
        sink.write(line, isChange: true)
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
        sink.write(line, isChange: true)
    }

    private func add(_ lease: Lease, endingAfter time: Duration?, to line: inout LogLine) {
        line.add("lease", lease.id.description)
        line.add("term", literal: lease.term == .connection ? "connection" : "duration")
        if let time { line.add("ends_in_ms", time.nanoseconds / 1_000_000) }
    }

    /// Records an edit.
    func limitChanged(_ edit: AuthorizedEdit, by peer: Peer, operation: StaticString, target: Int32) {
        var line = begin(.granted, peer, operation)
        line.add("target_pid", target)
        line.add("resource", edit.resource.name)
        line.add("old", edit.old)
        line.add("new", edit.new)
        line.add("rule", edit.rule ?? "baseline")
        sink.write(line, isChange: true)
    }

    func refused(
        _ error: RlimitError, to peer: Peer, operation: StaticString, target: Int32?, asked: NumericEdit? = nil
    ) {
        let verdict: Verdict = error.code == .targetChanged ? .stray : error.code == .malformed ? .fault : .refused
        var line = begin(verdict, peer, operation)
        if let target { line.add("target_pid", target) }
        line.add("resource", error.resource?.name ?? asked?.resource.name)
        if let asked {
            line.add("asked", "\(asked.soft.map(\.description) ?? ""):\(asked.hard.map(\.description) ?? "")")
        }
        line.add("code", error.code.rawValue)
        line.add("rule", error.rule)
        line.add("message", error.message)
        sink.write(line)
    }

    /// Logs how many refusals of a cgroup's processes were not logged individually.
    func refusalsSuppressed(_ count: Int, of cgroup: String, to peer: Peer, operation: StaticString) {
        var line = begin(.refused, peer, operation)
        line.add("cgroup", cgroup)
        line.add("processes", count)
        line.add("message", "refused for \(count) more processes of the cgroup")
        sink.write(line)
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
