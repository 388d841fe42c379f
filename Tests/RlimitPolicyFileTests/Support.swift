import Foundation
import RlimitModel
import RlimitPolicy
import Testing

@testable import RlimitPolicyFile

let accounts = AccountLookup(
    userID: { ["root": 0, "alice": 1000, "bob": 1001, "postgres": 999][$0] },
    groupID: { ["root": 0, "audio": 29, "wheel": 10, "ci": 300][$0] })

func loader(strict: Bool = false) -> PolicyLoader {
    PolicyLoader(main: "/nowhere/policy.toml", dropIns: [], accounts: accounts, isStrict: strict)
}

/// The policy of a text without errors.
func policy(_ text: String, isMain: Bool = false) throws -> Policy {
    try loader().load(text: text, named: "policy.toml", isMain: isMain).policy
}

/// The diagnostics of a text with errors.
func diagnostics(_ text: String, isMain: Bool = false, strict: Bool = false) -> [String] {
    do {
        _ = try loader(strict: strict).load(text: text, named: "p", isMain: isMain)
        return []
    } catch {
        return error.diagnostics.map(\.description)
    }
}

/// A directory that is removed with the test.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "rlimitd-policy-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func write(_ name: String, _ text: String, mode: Int = 0o644) throws -> String {
        let file = "\(path)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
        return file
    }

    func folder(_ name: String, mode: Int = 0o755) throws -> String {
        let folder = "\(path)/\(name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: folder)
        return folder
    }
}
