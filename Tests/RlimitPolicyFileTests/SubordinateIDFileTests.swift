import RlimitPolicy
import Synchronization
import Testing

@testable import RlimitPolicyFile

@Suite("Files of subordinate ids")
struct SubordinateIDFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func load(subuid: String?, subgid: String? = nil, strict: Bool = false) throws -> LoadedPolicy {
        var loader = loader(strict: strict)
        if let subuid { loader.accounts.subuid = try folder.write("subuid", subuid) }
        if let subgid { loader.accounts.subgid = try folder.write("subgid", subgid) }
        return try loader.load(text: "", named: "p", isMain: false)
    }

    @Test("Users are given by name and by number, and comments and empty lines are skipped")
    func owners() throws {
        let loaded = try load(
            subuid: "# ranges\n\nalice:100000:65536\n1001:200000:1\nroot:4294967294:1\n",
            subgid: "audio:100000:10\nbob:7:1\n")
        #expect(loaded.warnings.isEmpty)
        #expect(
            loaded.policy.subordinates
                == SubordinateIDs(
                    users: [
                        SubordinateIDs.Range(100_000...165_535, owner: 1000),
                        SubordinateIDs.Range(200_000...200_000, owner: 1001),
                        SubordinateIDs.Range(4_294_967_294...4_294_967_294, owner: 0),
                    ], groups: [SubordinateIDs.Range(100_000...100_009, owner: 29)]))
    }

    @Test(
        "A line that is not a range is a warning with its place, and the other lines count",
        arguments: [
            "alice", "alice:100000", "alice:100000:65536:", ":100000:65536", "alice:x:65536", "alice:100000:0",
            "alice:-1:5", "alice:4294967290:6", "alice:4294967296:1", "alice: 100000:5",
        ])
    func badLines(line: String) throws {
        let loaded = try load(subuid: "bob:1:1\n\(line)\nalice:5:1\n")
        #expect(
            loaded.warnings.map(\.description) == [
                "\(folder.path)/subuid:2:1: \"\(line)\" is not a range of ids; write a user, the first id and the "
                    + "count, as alice:100000:65536"
            ])
        #expect(loaded.policy.subordinates.owner(of: 5) == 1000)
        #expect(throws: PolicyFileError.self) { try load(subuid: line, strict: true) }
    }

    @Test("A range of an unknown user belongs to no known user")
    func unknownUser() throws {
        let loaded = try load(subuid: "nobody-here:5:1\n")
        #expect(
            loaded.warnings.map(\.message) == [
                "no user \"nobody-here\" on this system: its ids count as those of any user"
            ])
        #expect(loaded.policy.subordinates == SubordinateIDs(users: [SubordinateIDs.Range(5...5, owner: nil)]))
    }

    @Test("Warnings are bounded, whatever the file contains")
    func boundedWarnings() throws {
        let loaded = try load(subuid: String(repeating: "x\n", count: 1000))
        #expect(loaded.warnings.count == 17)
        #expect(loaded.warnings.last?.message == "984 more lines have faults")
    }

    @Test("Each name is looked up once, and not more than some thousand names")
    func lookups() throws {
        let lookups = LookupCount()
        var loader = loader()
        loader.accounts.userID = { name in
            lookups.add()
            return UInt32(name.dropFirst())
        }
        let names = (1...SubordinateIDFile.maxNames + 5).map { "u\($0)" }
        let lines = (names + names).enumerated().map { "\($1):\(100_000 + $0):1\n" }
        loader.accounts.subuid = try folder.write("subuid", lines.joined())
        let loaded = try loader.load(text: "", named: "p", isMain: false)
        #expect(lookups.count == SubordinateIDFile.maxNames)
        #expect(loaded.policy.subordinates.owner(of: 100_000) == 1)
        #expect(loaded.policy.subordinates.owner(of: 100_000 + UInt32(SubordinateIDFile.maxNames)) == nil)
        #expect(!loaded.warnings.isEmpty)
    }

    @Test("A file that others can write is not read, and a missing one gives no ranges")
    func untrusted() throws {
        var loader = loader()
        loader.accounts.subuid = try folder.write("subuid", "alice:5:1\n", mode: 0o666)
        let loaded = try loader.load(text: "", named: "p", isMain: false)
        #expect(loaded.policy.subordinates == .none)
        #expect(
            loaded.warnings.map(\.message) == [
                "can be written by others: chmod go-w; its ids count as those of any user"
            ])
        loader.accounts.subuid = folder.path + "/none"
        #expect(try loader.load(text: "", named: "p", isMain: false).warnings.isEmpty)
    }
}

private final class LookupCount: Sendable {
    private let value = Mutex(0)
    var count: Int { value.withLock { $0 } }
    func add() { value.withLock { $0 += 1 } }
}
