import RlimitModel
import RlimitPolicy

/// What was decided and done, for whoever asks later: one line for each change and each refusal.
package struct Audit: Sendable {
    private let sink: LogSink

    package init(sink: LogSink) { self.sink = sink }

    enum Verdict {
        /// A change that was granted and made.
        case granted
        /// A request that policy or the kernel refused.
        case refused
        /// A change that met a process which was no longer the one that had been judged.
        case stray
        /// A connection that was closed for what it sent.
        case fault

        var word: StaticString {
            switch self {
            case .granted: "granted"
            case .refused: "refused"
            case .stray: "stray"
            case .fault: "fault"
            }
        }
    }

    /// An edit was made.
    func changed(_ edit: AuthorizedEdit, by peer: Peer, operation: StaticString, target: Int32) {
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

    /// So many more of a cgroup as were not told one by one.
    func refusedOthers(_ count: Int, of cgroup: String, to peer: Peer, operation: StaticString) {
        var line = begin(.refused, peer, operation)
        line.add("cgroup", cgroup)
        line.add("processes", count)
        line.add("message", "refused for \(count) more processes of the cgroup")
        sink.write(line)
    }

    private func begin(_ verdict: Verdict, _ peer: Peer, _ operation: StaticString) -> LogLine {
        var line = LogLine(sink.format)
        line.add("time", Timestamp.now())
        line.add("level", word: verdict == .granted ? "notice" : "warning")
        line.add("event", word: "audit")
        line.add("verdict", word: verdict.word)
        line.add("operation", word: operation)
        line.add("peer_pid", peer.pid ?? 0)
        line.add("peer_uid", peer.uid)
        line.add("peer_gid", peer.gid)
        return line
    }
}

extension Request {
    /// What the audit calls it: the word of the protocol.
    var name: StaticString {
        if isQuestion { return "explain" }
        return switch operation {
        case .get: "get"
        case .set: "set"
        case .prlimit: "prlimit"
        case .usage, .threadUsage: "usage"
        case .leaseRenew: "lease_renew"
        case .leaseRelease: "lease_release"
        case .leaseList: "lease_list"
        case .serverInfo: "server_info"
        case .stats: "stats"
        }
    }
}
