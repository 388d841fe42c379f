import Foundation
import RlimitPolicy
import Testing

@testable import RlimitPolicyFile

@Suite("Files of the policy")
struct FileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    func load(main: String = "policy.toml", required: Bool = false, dropIns: [String] = []) throws -> LoadedPolicy {
        try PolicyLoader(
            main: "\(folder.path)/\(main)", mainIsRequired: required, dropIns: dropIns, accounts: accounts
        ).load()
    }

    func fault(main: String = "policy.toml", required: Bool = false, dropIns: [String] = []) -> String {
        do {
            let loaded = try load(main: main, required: required, dropIns: dropIns)
            return "no fault: \(loaded.policy.summary)"
        } catch {
            return "\(error)".replacingOccurrences(of: folder.path, with: "")
        }
    }

    static func rule(_ name: String) -> String {
        "[[allow]]\nname = \"\(name)\"\ncaller.users = [1]\nlimits.nofile = 5\n"
    }

    @Test("Without a file the baseline applies, and a missing required file is an error")
    func noFile() throws {
        let loaded = try load(dropIns: ["\(folder.path)/nothing.d"])
        #expect(loaded.policy == .baselineOnly && loaded.files.isEmpty && loaded.policy.summary == "baseline only")
        #expect(fault(required: true) == "/policy.toml: no such file")
        #expect(fault(main: "nowhere/policy.toml", required: true) == "/nowhere/policy.toml: no such file")
    }

    @Test("Drop-ins are read in the byte order of their names, and one in /etc masks those with the same name")
    func dropIns() throws {
        try folder.write("policy.toml", "version = 1\n" + Self.rule("main"))
        let etc = try folder.folder("etc")
        let usr = try folder.folder("usr")
        try folder.write("etc/50-b.toml", Self.rule("etc b"))
        try folder.write("usr/50-b.toml", Self.rule("usr b"))
        try folder.write("usr/10-a.toml", Self.rule("usr a"))
        try folder.write("usr/90-empty.toml", Self.rule("masked"))
        try folder.write("etc/90-empty.toml", "")
        try folder.write("etc/Z.toml", Self.rule("capital"))
        try folder.write("etc/a.toml", Self.rule("small"))
        try folder.write("etc/notes.txt", "not TOML at all")
        try folder.write("etc/.hidden.toml", "not TOML at all")
        try folder.write("etc/old.toml~", "not TOML at all")
        let loaded = try load(dropIns: [etc, usr])
        #expect(Set(loaded.policy.allows.map(\.name)) == ["main", "etc b", "usr a", "capital", "small"])
        let files = loaded.files.map { $0.replacingOccurrences(of: folder.path, with: "") }
        #expect(
            files == [
                "/policy.toml", "/usr/10-a.toml", "/etc/50-b.toml", "/etc/90-empty.toml", "/etc/Z.toml", "/etc/a.toml",
            ])
    }

    @Test("Errors of all files are reported, and rule names are unique across files")
    func acrossFiles() throws {
        try folder.write("policy.toml", Self.rule("one") + "[quota]\nleases = 5\n")
        let etc = try folder.folder("etc")
        try folder.write("etc/a.toml", Self.rule("one") + "[quota]\nleases = 5\n")
        try folder.write("etc/b.toml", "oops")
        let text = fault(dropIns: [etc])
        let lines = text.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines[0] == "/policy.toml:1:1: a policy file must give the version of its language: version = 1")
        #expect(lines[1] == "/etc/a.toml:2:8: rule \"one\" is already defined in /policy.toml line 2")
        #expect(lines[2] == "/etc/a.toml:6:1: quota.leases is already defined in /policy.toml line 6")
        #expect(lines[3].hasPrefix("/etc/b.toml:1:"))
    }

    @Test("A file that other users can write is refused", arguments: [0o664, 0o646, 0o666, 0o622])
    func writableFile(mode: Int) throws {
        try folder.write("policy.toml", "version = 1", mode: mode)
        #expect(fault() == "/policy.toml: can be written by others: chmod go-w")
        let etc = try folder.folder("etc")
        try folder.write("etc/a.toml", "", mode: mode)
        #expect(fault(main: "none", dropIns: [etc]) == "/etc/a.toml: can be written by others: chmod go-w")
    }

    @Test("A directory that other users can write is refused")
    func writableFolder() throws {
        let open = try folder.folder("open", mode: 0o775)
        try folder.write("open/policy.toml", "version = 1")
        let complaint = "/open: can be written by others, who could put a policy there: chmod go-w"
        #expect(fault(main: "open/policy.toml") == complaint)
        #expect(fault(dropIns: [open]) == complaint)
        // A sticky directory is refused for drop-ins: a user that can add a file could stop the agent.
        let sticky = try folder.folder("sticky", mode: 0o1777)
        #expect(fault(dropIns: [sticky]).hasPrefix("/sticky: can be written by others"))
    }

    @Test("A file that is not regular is refused without blocking")
    func irregular() throws {
        #expect(mkfifo("\(folder.path)/policy.toml", 0o600) == 0)
        #expect(fault() == "/policy.toml: is not a regular file")
        let etc = try folder.folder("etc")
        try FileManager.default.createSymbolicLink(atPath: "\(etc)/a.toml", withDestinationPath: "/dev/zero")
        #expect(fault(main: "none", dropIns: [etc]) == "/etc/a.toml: is not a regular file")
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/null.toml", withDestinationPath: "/dev/null")
        #expect(fault(main: "null.toml") == "/null.toml: is not a regular file")
        _ = try folder.folder("etc/b.toml")
        #expect(fault(main: "none", dropIns: [etc]).contains("/etc/b.toml: is not a regular file"))
        try folder.write("file", "")
        #expect(fault(main: "none", dropIns: ["\(folder.path)/file"]) == "/file: cannot be read: Not a directory")
    }

    @Test("A symbolic link to a file is followed, and a dangling one counts as no file")
    func links() throws {
        try folder.write("real.toml", "version = 1\n" + Self.rule("a"))
        let link = "\(folder.path)/policy.toml"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "real.toml")
        #expect(try load().policy.summary == "1 rule")
        try FileManager.default.removeItem(atPath: "\(folder.path)/real.toml")
        #expect(try load().files.isEmpty)
    }

    @Test(
        "A drop-in that links to /dev/null masks those with the same name, as an empty file does, and a dangling link is an error"
    )
    func masking() throws {
        let etc = try folder.folder("etc")
        let usr = try folder.folder("usr")
        for name in ["null", "kept", "empty"] { try folder.write("usr/\(name).toml", Self.rule(name)) }
        try folder.write("etc/empty.toml", "")
        try FileManager.default.createSymbolicLink(atPath: "\(etc)/null.toml", withDestinationPath: "/dev/null")
        #expect(try load(dropIns: [etc, usr]).policy.allows.map(\.name) == ["kept"])
        // Masked files are not read.
        try folder.write("usr/null.toml", "not TOML at all", mode: 0o666)
        #expect(try load(dropIns: [etc, usr]).policy.allows.map(\.name) == ["kept"])
        try FileManager.default.createSymbolicLink(atPath: "\(etc)/kept.toml", withDestinationPath: "nowhere")
        #expect(
            fault(dropIns: [etc, usr])
                == "/etc/kept.toml: is a link to a missing file; to disable a drop-in, link it to /dev/null")
    }

    @Test("A file of 1 MiB is read, and a larger one is refused")
    func size() throws {
        let head = "version = 1\n"
        let whole = head + String(repeating: "#", count: (1 << 20) - head.utf8.count)
        #expect(whole.utf8.count == 1 << 20)
        try folder.write("policy.toml", whole)
        #expect(try load().files.count == 1)
        try folder.write("policy.toml", whole + "#")
        #expect(fault() == "/policy.toml: is larger than 1 MiB")
    }

    @Test("A file that belongs to neither root nor the reading user is refused")
    func foreignOwner() {
        var status = stat()
        status.st_mode = 0o100644
        for mine in [0, geteuid()] {
            status.st_uid = mine
            #expect(TrustedFile.ownershipFault(status, isFolder: false) == nil)
        }
        status.st_uid = geteuid() + 12345
        let complaint = "belongs to uid \(status.st_uid), who could change the policy: chown root"
        #expect(TrustedFile.ownershipFault(status, isFolder: false) == complaint)
    }

    @Test("Names are looked up in the accounts of this system")
    func systemAccounts() {
        #expect(AccountLookup.system.userID("root") == 0)
        #expect(AccountLookup.system.groupID("root") == 0)
        #expect(AccountLookup.system.userID("no-such-user-here") == nil)
        #expect(AccountLookup.system.groupID("") == nil)
    }
}

@Suite("Rules in several files")
struct ScatteredRulesTests {
    /// Rules of each kind for each number.
    static func rules(_ count: Int) -> [String] {
        (0..<count).flatMap { number in
            [
                "[[allow]]\nname = \"a\(number)\"\ncaller.users = [\(number), \"alice\"]\nlimits.nofile = \(number)\n",
                "[[deny]]\nname = \"d\(number)\"\ncaller.groups = [\(number)]\nabove.core = \"\(number + 1)K\"\n",
            ]
        }
    }

    @Test("The policy does not depend on the order of rules and their distribution over files")
    func anyOrder() throws {
        let rules = Self.rules(6)
        let expected = try policy(rules.joined())
        for _ in 0..<40 {
            let folder = try TemporaryFolder()
            var texts = ["version = 1\n", "", "", ""]
            for rule in rules.shuffled() { texts[Int.random(in: 0..<4)] += rule }
            let main = try folder.write("policy.toml", texts[0])
            let first = try folder.folder("first")
            let second = try folder.folder("second")
            try folder.write("first/a.toml", texts[1])
            try folder.write("first/b.toml", texts[2])
            try folder.write("second/c.toml", texts[3])
            let loader = PolicyLoader(main: main, dropIns: [first, second].shuffled(), accounts: accounts)
            #expect(try loader.load().policy == expected)
        }
    }
}
