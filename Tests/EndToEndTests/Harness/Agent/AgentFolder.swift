import Foundation

/// The folder with the files of one agent: policy, socket and state. It is removed when it is released.
final class AgentFolder {
    let path: String
    var socket: String { path + "/run/rlimitd.sock" }
    var policyFile: String { path + "/policy.toml" }
    var state: String { path + "/state" }

    init(policy: String) throws {
        path = try TemporaryFolder.make(mode: 0o755)
        try FileManager.default.createDirectory(
            atPath: path + "/run", withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
        try write(policy: policy)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(policy: String) throws {
        try Data(policy.utf8).write(to: URL(fileURLWithPath: policyFile), options: .atomic)
        chmod(policyFile, 0o644)
    }

    /// Lets an agent that does not start as root create its socket and its state here.
    func changeOwner(to account: Account) throws {
        try FileManager.default.createDirectory(
            atPath: state, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        for folder in [state, path + "/run"] { chown(folder, account.uid, account.gid) }
    }

    /// The options for agents in containers. They have no effect in the initial namespaces, where the tests run otherwise.
    static let namespaceOptions = ["--allow-pid-namespace", "--allow-cgroup-namespace"]

    /// The command that starts an agent with this folder.
    func command(options: [String] = [], namespaceOptions: [String] = namespaceOptions) throws -> [String] {
        [
            try Programs.rlimitd, "--socket", socket, "--policy", policyFile, "--state-dir", state,
            "--user", "\(Account.agent.uid):\(Account.agent.gid)",
        ] + namespaceOptions + options
    }
}
