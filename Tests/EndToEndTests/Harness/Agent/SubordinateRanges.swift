import Foundation

/// A file that an agent finds in place of /etc/subuid, in a mount namespace of its own.
final class SubordinateRanges {
    private let folder: String
    private var path: String { folder + "/subuid" }

    init(_ text: String) throws {
        folder = try TemporaryFolder.make(mode: 0o755)
        try write(text)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// Replaces the content, and keeps the file, which is mounted.
    func write(_ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        chmod(path, 0o644)
    }

    /// Words before the command of an agent.
    var prefix: [String] {
        ["unshare", "--mount", "sh", "-c", "mount --bind '\(path)' /etc/subuid && exec \"$@\"", "sh"]
    }
}
