import Foundation
import RlimitModel
import RlimitPolicy
import Testing

@testable import RlimitPolicyFile

@Suite("The policy in documents")
struct DocumentTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// Accounts in which every name exists, as on the system of an example.
    let loader = PolicyLoader(
        dropIns: [], accounts: AccountLookup(userID: { _ in 4242 }, groupID: { _ in 4242 }))

    /// The policy of a text without warnings.
    func policy(_ text: String, isMain: Bool) throws -> Policy {
        let loaded = try loader.load(text: text, named: "example", isMain: isMain)
        let others = loaded.warnings.filter { !$0.message.contains("grants no leases yet") }
        #expect(others.isEmpty, "\(others)")
        return loaded.policy
    }

    static func examples() throws -> [String] {
        try text("docs/policy.md").components(separatedBy: "```toml\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
    }

    @Test("Every example of the reference loads")
    func examples() throws {
        let examples = try Self.examples()
        #expect(examples.count >= 10)
        for example in examples {
            let policy = try self.policy(example, isMain: false)
            #expect(policy != .baselineOnly, "an example that says nothing:\n\(example)")
        }
    }

    @Test("No two examples of the reference share a rule name")
    func together() throws {
        let names = try Self.examples().flatMap {
            try policy($0, isMain: false).allows.map(\.name)
        }
        #expect(Set(names).count == names.count)
    }

    @Test("The reference names every key, relation, operation and resource")
    func complete() throws {
        let reference = try Self.text("docs/policy.md")
        let keys = [
            "version", "quota.connections", "quota.requests_per_second", "quota.leases", "audit.on_full",
            "protected.users", "protected.units", "protected.cgroups", "pod_roots", "name", "caller", "target",
            "operations", "limits",
            "lower", "lease", "above", "users", "groups", "cgroups", "units", "labels", "except", "relation",
        ]
        for key in keys + Resource.allCases.map(\.name) { #expect(reference.contains("`\(key)`"), "\(key)") }
        for word in TargetPattern.Relation.allCases.map(\.rawValue) + ["get", "set", "usage", "stats", "lease_list"] {
            #expect(reference.contains("`\"\(word)\"`"), "\(word)")
        }
    }

    @Test("The diagnostics that the reference quotes are the real ones")
    func diagnosticsQuoted() throws {
        let text = """
            version = 1
            [[allow]]
            name = "a"
            limits.memlock = 65536
            caller.users = [1]
            [[allow]]
            name = "b"
            limits.nofile = 1
            caller.user = [1]
            """
        let reference = try Self.text("docs/policy.md")
        let made = diagnostics(text, isMain: true)
        #expect(made.count == 2)
        for line in made { #expect(reference.contains("    /etc/rlimitd/policy.toml" + line.dropFirst())) }
    }

    @Test("The policy to install loads and grants nothing; uncommented, every example of it does")
    func installedPolicy() throws {
        let text = try Self.text("deploy/policy.toml")
        #expect(try self.policy(text, isMain: true) == .baselineOnly)
        let uncommented = text.split(separator: "\n").map { line in
            line.hasPrefix("#") && !line.hasPrefix("# ") ? line.dropFirst() : line
        }
        let policy = try self.policy(uncommented.joined(separator: "\n"), isMain: true)
        #expect(policy.allows.count == 5 && policy.denies.count == 2)
        #expect(policy.quota == Quota() && !policy.protection.units.isEmpty)
    }
}
