import RlimitKernel
import RlimitModel
import RlimitPolicy
import Synchronization
import Testing

@testable import RlimitAgent

@Suite("Requests while the log takes no lines")
struct FullAuditTests {
    /// A log whose reader does not read at first.
    private final class StalledLog: Sendable {
        private let state = Mutex((isStalled: true, log: CapturedLog()))

        var text: String { state.withLock { $0.log.text } }
        func resume() { state.withLock { $0.isStalled = false } }
        func take(_ bytes: borrowing Span<UInt8>) -> Int { state.withLock { $0.isStalled ? 0 : $0.log.take(bytes) } }
    }

    private let script = Script()
    private let peer = Peer(pid: 100, uid: 1000, gid: 1000)
    private let log = StalledLog()

    private func policy(_ onFull: AuditSettings.OnFull) -> Policy {
        Policy(
            allows: [
                AllowRule(
                    name: "files", caller: CallerPattern(CallerKeys(users: IDSet(1000))),
                    ceilings: Ceilings([.openFiles: 1_000_000, .coreFileSize: 1_000_000]),
                    lease: LeaseTerms(maxDuration: .seconds(3600)))
            ], quota: Quota(leases: 1000), audit: AuditSettings(onFull: onFull))
    }

    private var sink: LogSink { LogSink(format: .text) { [log] bytes in log.take(bytes) } }

    private func handler(_ sink: LogSink, _ onFull: AuditSettings.OnFull = .refuse) -> RequestHandler {
        let facts = AgentFacts(
            pid: 5, kernelRelease: "6.1", openFilesCeiling: 1_000_000, canRaise: true, features: [])
        return RequestHandler(policy: policy(onFull), facts: facts, audit: AuditLog(sink: sink))
    }

    private func ask(
        _ handler: inout RequestHandler, _ operation: Request.Operation, isExplain: Bool = false
    ) throws(RlimitError) -> Reply {
        let requester = LeaseRequester(
            peer, process: ProcessIdentity(pid: 100, .inode(1)), session: 1, policy: handler.policy)
        return try handler.handle(
            Request(id: 1, isExplain: isExplain, operation), from: peer, on: ScriptedProcess(script: script),
            isPeer: true, requester: requester)
    }

    private func raise(_ bounds: [(Resource, Limit.Bound)], lease: LeaseTerm? = nil) -> Request.Operation {
        .set(.caller, EditBatch(bounds.map { NumericEdit($0.0, soft: $0.1, hard: $0.1) }), lease: lease)
    }

    // Makes changes until one is refused, and returns how many were made.
    private func fill(_ handler: inout RequestHandler) -> Int {
        for count in 0..<20_000 {
            do throws(RlimitError) {
                _ = try ask(&handler, raise([(.openFiles, Limit.Bound(UInt64(10_000 + count)))]))
            } catch {
                #expect(error == .auditNotTaken)
                return count
            }
        }
        Issue.record("no change was refused")
        return 0
    }

    @Test("Changes wait for the log, then further ones are refused before they are made, and none is lost")
    func refused() throws {
        let sink = sink
        var handler = handler(sink)
        let made = fill(&handler)
        #expect(made > 1000)
        #expect(script.writes.count == made, "the refused change was not made")
        let error = #expect(throws: RlimitError.self) {
            try ask(&handler, raise([(.coreFileSize, 5000)], lease: .duration(.seconds(5))))
        }
        #expect(error == .auditNotTaken)
        let leases = handler.leases.count
        #expect(leases == 0)
        #expect(script.writes.count == made)
        log.resume()
        _ = try ask(&handler, raise([(.openFiles, 500_000)]))
        while !sink.flush() || !sink.isEmpty {}
        let lines = log.text.split(separator: "\n").filter { $0.contains("verdict=granted") }
        #expect(lines.count == made + 1)
        for (count, line) in lines.dropLast().enumerated() {
            #expect(line.contains("new=\(10_000 + count):\(10_000 + count) "))
        }
        #expect(log.text.hasSuffix(" lost=2\n"), "only the lines of the two refusals had no room")
    }

    @Test("Reads, and edits that change nothing, are served while changes are refused, and explain states the refusal")
    func served() throws {
        var handler = handler(sink)
        _ = fill(&handler)
        let now = script.limits[.openFiles].soft
        _ = try ask(&handler, .get(.caller, .all))
        _ = try ask(&handler, raise([(.openFiles, now)]))
        guard
            case .explanation(let explanation) = try ask(&handler, raise([(.openFiles, 600_000)]), isExplain: true)
        else { throw Unexpected() }
        #expect(explanation.refusal == .auditNotTaken)
    }

    @Test("A lease that was granted before ends at its time, and its line waits")
    func leaseEnds() throws {
        let sink = sink
        var handler = handler(sink)
        _ = try ask(&handler, raise([(.coreFileSize, 5000)], lease: .duration(.seconds(5))))
        _ = fill(&handler)
        handler.leases.clockAhead += .seconds(6)
        let expired = handler.leases.nextExpired()
        let due = try #require(expired)
        let restorations = handler.leases.restoreLimits(due.id, on: ScriptedProcess(script: script))
        #expect(restorations.map(\.outcome) == [.restored])
        log.resume()
        while !sink.flush() {}
        #expect(log.text.contains("verdict=ended operation=lease"))
    }

    @Test("With on_full = \"continue\" changes go on, and the number of those without a line is logged")
    func continued() throws {
        let sink = sink
        var handler = handler(sink, .continue)
        for count in 0..<20_000 {
            _ = try ask(&handler, raise([(.openFiles, Limit.Bound(UInt64(10_000 + count)))]))
        }
        #expect(script.writes.count == 20_000)
        log.resume()
        while !sink.flush() || !sink.isEmpty {}
        let written = log.text.split(separator: "\n").count { $0.contains("verdict=granted") }
        #expect(log.text.contains("lost_changes=\(20_000 - written)\n"))
        handler.adopt(policy(.refuse))
        _ = try ask(&handler, raise([(.openFiles, 600_000)]))
    }
}
