import Glibc
import Logging
import RlimitKernel
import RlimitModel
import Testing

@testable import RlimitAgent

@Suite("Leases on disk")
struct LeaseStoreTests {
    private let folder: StateFolder
    private let log = CapturedLog()
    private let sink: LogSink

    init() throws {
        folder = try StateFolder()
        sink = LogSink(format: .text) { [log] bytes in log.take(bytes) }
    }

    private static func lease(_ byte: UInt8 = 7) -> Lease {
        Lease(
            id: LeaseInfo.ID(bytes: Array(repeating: byte, count: 16)), process: ProcessIdentity(pid: 4711, .inode(99)),
            credentials: Credentials(
                realUID: 1, effectiveUID: 2, savedUID: 3, realGID: 4, effectiveGID: 5, savedGID: 6),
            holder: LeaseHolder(
                process: ProcessIdentity(pid: 4712, .startTime(5)), uid: 8, gid: 9, sharesNamespace: true),
            tenant: .container("/kubepods/pod\u{e9}"), term: .connection, endsAt: BootInstant(nanoseconds: 123),
            grantedAt: BootInstant(nanoseconds: 100),
            parts: [
                LeasePart(
                    resource: .openFiles, old: Limit(soft: 1, hard: 2), new: Limit(3), rule: "a rule",
                    bounds: LeaseBounds(soft: 3, hard: nil), generation: 5, original: Limit(soft: 1, hard: 2)),
                LeasePart(
                    resource: .lockedMemory, old: Limit(0), new: Limit(.infinity), rule: nil,
                    bounds: LeaseBounds(soft: .infinity, hard: .infinity), generation: 6, original: Limit(0)),
            ])
    }

    private func store() throws -> LeaseStore {
        try LeaseStore(folder.open(), log: Logger.agent(sink: sink, level: .error))
    }

    private var name: String { "lease-\(Self.lease().id)" }
    private var text: String {
        sink.flush()
        return log.text
    }

    private static let boot = "12345678-1234-1234-1234-123456789abc"

    @Test("A recorded lease is read back whole")
    func roundTrip() throws {
        let store = try store()
        try store.write(Self.lease())
        var other = Self.lease(8)
        other.endsAt = nil
        other.session = nil
        try store.write(other)
        #expect(Set(try store.load()) == [Self.lease(), other])
        store.remove(other.id)
        #expect(try store.load() == [Self.lease()])
        #expect(try folder.names == [name])
    }

    @Test("A record that is truncated anywhere, or has one bit changed, is rejected")
    func torn() throws {
        let bytes = try #require(LeaseRecord.encode(Self.lease(), boot: Self.boot))
        #expect(try LeaseRecord.decode(bytes, boot: Self.boot) == Self.lease())
        for count in 0..<bytes.count {
            #expect(throws: LeaseRecord.FormatError.self) {
                try LeaseRecord.decode(Array(bytes.prefix(count)), boot: Self.boot)
            }
        }
        for place in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[place] ^= 1 << bit
                #expect(throws: LeaseRecord.FormatError.self) { try LeaseRecord.decode(changed, boot: Self.boot) }
            }
        }
        #expect(throws: LeaseRecord.FormatError.self) { try LeaseRecord.decode(bytes + [0], boot: Self.boot) }
    }

    @Test("Random bytes between a valid magic string and a valid checksum never trap")
    func garbage() {
        var random = SystemRandomNumberGenerator()
        let length = UInt16(Self.boot.utf8.count)
        for _ in 0..<20_000 {
            var text = LeaseRecord.magic + [UInt8(length & 255), UInt8(length >> 8)] + Array(Self.boot.utf8)
            text += (0..<Int.random(in: 0..<300)).map { _ in
                UInt8.random(in: 0...(Bool.random() ? 1 : 255), using: &random)
            }
            #expect(throws: LeaseRecord.FormatError.self) {
                try LeaseRecord.decode(LeaseRecord.withChecksum(text), boot: Self.boot)
            }
        }
    }

    @Test("A record of another boot is removed and not logged")
    func otherBoot() throws {
        try folder.write(try #require(LeaseRecord.encode(Self.lease(), boot: Self.boot)), to: name)
        let store = try store()
        #expect(try store.load().isEmpty)
        #expect(try folder.names.isEmpty)
        #expect(text.isEmpty)
    }

    @Test("A file that is not a lease is logged and set aside, and other leases are loaded")
    func foreign() throws {
        let store = try store()
        try store.write(Self.lease())
        func bad(_ number: UInt8) -> String { "lease-\(Self.lease(number).id)" }
        try folder.write(Array("half a lea".utf8), to: bad(1))
        // A lease under the name of another.
        try folder.copy(name, to: bad(2))
        try folder.copy(name, to: bad(3))
        chmod(folder.path + "/" + bad(3), 0o640)
        symlink(folder.path + "/" + name, folder.path + "/" + bad(4))
        mkfifo(folder.path + "/" + bad(5), 0o600)
        mkdir(folder.path + "/" + bad(6), 0o700)
        try folder.write(Array(repeating: 0, count: 20_000), to: bad(7 + 1))
        #expect(try store.load() == [Self.lease()])
        #expect(try Set(folder.names) == Set([name] + (1...7).map { "set-aside-\($0)" }))
        for why in [
            "it does not begin as a lease", "it is the lease of another name", "its mode is 640 and not 600",
            "it is a symbolic link", "it is no regular file", "it has 20000 bytes",
        ] {
            #expect(text.contains(why), "\(why): \(text)")
        }
        #expect(log.count(with: "level=error", "set-aside-") == 7)
        // A second load logs nothing.
        #expect(try store.load() == [Self.lease()])
        sink.flush()
        #expect(log.count() == 7)
    }

    @Test("A file with a second link, or of another user, is not trusted")
    func owners() throws {
        let store = try store()
        try store.write(Self.lease())
        link(folder.path + "/" + name, folder.path + "/other")
        #expect(try store.load().isEmpty)
        #expect(text.contains("it has 2 names"))
        guard geteuid() == 0 else { return }
        try store.write(Self.lease())
        chown(folder.path + "/" + name, 1234, 0)
        #expect(try store.load().isEmpty)
        #expect(text.contains("it belongs to user 1234"))
    }

    @Test("The number of files set aside has a maximum")
    func bound() throws {
        let store = try store()
        for number in 0..<40 { try folder.write([UInt8(number)], to: "lease-\(Self.lease(UInt8(number)).id)") }
        #expect(try store.load().isEmpty)
        #expect(try folder.names.count == LeaseStore.maxQuarantined)
    }

    @Test("A file that an agent left half written does not prevent new records")
    func unfinished() throws {
        try folder.write([1, 2, 3], to: "unfinished")
        let store = try store()
        #expect(try store.load().isEmpty)
        try store.write(Self.lease())
        #expect(try folder.names == [name])
    }

    @Test("After a hundred thousand leases, disk and lease table hold live leases only")
    func churn() throws {
        var journal = LeaseJournal(try store())
        var live: [LeaseInfo.ID] = []
        var lease = Self.lease()
        lease.parts.removeLast()
        for number in 0..<100_000 {
            let id = LeaseInfo.ID(bytes: (0..<16).map { UInt8(truncatingIfNeeded: number >> ($0 % 4 * 8)) })
            let next = lease.renamed(id, endingAt: BootInstant(nanoseconds: UInt64(number)))
            try journal.write(next)
            journal.insert(next)
            live.append(id)
            if live.count > 20 { journal.remove(live.remove(at: number % 20)) }
            if number % 9973 == 0 {
                #expect(try folder.names.count == live.count)
                #expect(journal.table.queuedExpiries <= 2 * live.count + 64)
            }
        }
        #expect(try journal.load().count == live.count && folder.names.count == live.count)
        for id in live { journal.remove(id) }
        #expect(try folder.names.isEmpty)
        #expect(journal.table.isEmpty)
    }

    @Test("A thousand renewals of a lease leave one record")
    func renewals() throws {
        var fixture = LeaseFixture(store: try store())
        let lease = try fixture.grantLease(NumericEdit(.openFiles, soft: 8000, hard: 9000), .duration(.seconds(60)))
        for _ in 0..<1000 { _ = try fixture.ask(.leaseRenew(lease.id, .duration(.seconds(60)))) }
        #expect(try folder.names == ["lease-\(lease.id)"])
        #expect(fixture.handler.leases.table.queuedExpiries <= 66)
        fixture.pass(.seconds(61))
        #expect(try folder.names.isEmpty)
        #expect(fixture.script.limits[.openFiles] == fixture.script.before)
    }
}

extension Lease {
    fileprivate func renamed(_ id: LeaseInfo.ID, endingAt end: BootInstant) -> Lease {
        Lease(
            id: id, process: process, credentials: credentials, holder: holder, tenant: tenant, term: term, endsAt: end,
            grantedAt: grantedAt, parts: parts)
    }
}
