import Foundation
import Logging
import RlimitKernel
import RlimitModel
import RlimitPolicy
import Synchronization
import Testing

@testable import RlimitAgent

@Suite("The bounded audit")
struct AuditLogTests {
    private let time = Time()
    private let log = CapturedLog()
    private let alice = Peer(pid: 100, uid: 1000, gid: 1000, groups: [1, 2, 3])
    private let bob = Peer(pid: 200, uid: 1001, gid: 1001)

    private final class Time: Sendable {
        let now = Mutex(BootInstant.now)
        func pass(_ duration: Duration) { now.withLock { $0 = $0 + duration } }
    }

    private func audit(_ format: LogFormat = .text) -> (audit: AuditLog, sink: LogSink) {
        let sink = LogSink(format: format) { [log] bytes in log.take(bytes) }
        return (AuditLog(sink: sink) { [time] in time.now.withLock { $0 } }, sink)
    }

    private func refuse(_ count: Int, _ audit: AuditLog, _ peer: Peer, _ operation: StaticString = "set") {
        let error = RlimitError(.deniedByPolicy, message: "no rule", resource: .openFiles)
        for _ in 0..<count {
            audit.refused(error, to: peer, of: Tenant(peer, .baselineOnly), operation: operation, target: 7)
        }
    }

    @Test("A tenant has a hundred lines of a kind in a minute, and then one line with the number of the others")
    func bound() {
        let (audit, sink) = audit()
        refuse(2006, audit, alice)
        sink.flush()
        #expect(log.count(with: "verdict=refused operation=set") == 100)
        #expect(audit.hasSuppressed)
        audit.endMinute(at: time.now.withLock { $0 } + .seconds(60))
        sink.flush()
        #expect(log.count(with: "verdict=refused operation=set", "peer_uid=1000", "suppressed=1906") == 1)
        #expect(log.count(with: "verdict=refused") == 101)
        time.pass(.seconds(60))
        refuse(5, audit, alice)
        sink.flush()
        #expect(log.count(with: "verdict=refused") == 106)
    }

    @Test("The bound of one tenant and kind leaves the lines of other tenants and kinds")
    func others() {
        let (audit, sink) = audit()
        refuse(500, audit, alice)
        refuse(3, audit, alice, "connect")
        refuse(3, audit, bob)
        // A process of the same user is the same tenant, whatever connection it uses.
        refuse(3, audit, Peer(pid: 300, uid: 1000, gid: 1000))
        sink.flush()
        #expect(log.count(with: "operation=connect", "peer_uid=1000") == 3)
        #expect(log.count(with: "operation=set", "peer_uid=1001") == 3)
        #expect(log.count(with: "peer_pid=300") == 0)
    }

    @Test("All changes have their lines, however many there are")
    func changes() {
        let (audit, sink) = audit()
        let change = Change(.openFiles, old: Limit(1), new: Limit(2), grantedBy: .agent(rule: "r"))
        refuse(500, audit, alice)
        for _ in 0..<1000 {
            audit.leaseGranted(change, Self.lease, .duration(.seconds(1)), by: alice)
            audit.leaseEnded(Restoration(.openFiles, .restored), of: Self.lease, because: .expired)
        }
        let stray = RlimitError(.targetChanged)
        for _ in 0..<1000 { audit.strayed(stray, to: alice, operation: "set", target: 7, asked: nil) }
        sink.flush()
        #expect(log.count(with: "verdict=granted") == 1000)
        #expect(log.count(with: "verdict=ended") == 1000)
        #expect(log.count(with: "verdict=stray") == 1000)
    }

    @Test("Renewals change no limit, so their lines are bounded")
    func renewals() {
        let (audit, sink) = audit()
        for _ in 0..<300 {
            audit.leaseRenewed(Self.lease, at: .now, by: alice, of: Tenant(alice, .baselineOnly))
        }
        audit.endMinute(at: .now + .seconds(3600))
        sink.flush()
        #expect(log.count(with: "verdict=renewed operation=lease_renew") == 101)
        #expect(log.count(with: "verdict=renewed", "suppressed=200") == 1)
    }

    @Test("The count of a cgroup's refusals includes those of suppressed lines")
    func cgroups() {
        let (audit, sink) = audit()
        for _ in 0..<110 {
            audit.refusalsSuppressed(
                50, of: "/x", to: alice, of: Tenant(alice, .baselineOnly), operation: "usage")
        }
        audit.endMinute(at: .now + .seconds(3600))
        sink.flush()
        #expect(log.count(with: "processes=50", "suppressed=500") == 1)
    }

    @Test("A line with a number is one JSON object")
    func json() throws {
        let (audit, sink) = audit(.json)
        refuse(102, audit, alice)
        audit.endMinute(at: .now + .seconds(3600))
        sink.flush()
        let last = try #require(log.text.split(separator: "\n").last)
        let object = try JSONSerialization.jsonObject(with: Data(last.utf8)) as? [String: Any]
        #expect(object?["suppressed"] as? Int == 2)
        #expect(object?["verdict"] as? String == "refused")
    }

    @Test("The agent's own messages from one place in the code are bounded, and leave those from other places")
    func messages() {
        let (_, sink) = audit()
        let logger = Logger.agent(sink: sink, level: .info)
        for number in 0..<1000 { logger.warning("cannot accept connections: \(number)") }
        logger.error("another message")
        sink.endMinuteOfMessages(at: .now + .seconds(60))
        sink.flush()
        #expect(log.count(with: "cannot accept connections") == 101)
        #expect(log.count(with: "cannot accept connections: 999", "suppressed=900", "level=warning") == 1)
        #expect(log.count(with: "another message") == 1)
    }

    private static let lease: Lease = {
        let process = ProcessIdentity(pid: 7, .inode(1))
        return Lease(
            id: LeaseInfo.ID(bytes: Array(repeating: 1, count: 16)), process: process,
            credentials: Credentials(uid: 1000, gid: 1000),
            holder: LeaseHolder(process: process, uid: 1000, gid: 1000, sharesNamespace: true), tenant: .user(1000),
            term: .duration, endsAt: nil, grantedAt: .now, parts: [])
    }()
}
