import Foundation

/// The puppets' program once more, as one that runs as root whoever starts it.
package final class SetuidPuppet {
    package let path: String
    private let folder: String

    package init() throws {
        var name = Array("/tmp/rlimitd-race.XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else { throw Puppet.Failure(description: "mkdtemp: errno \(errno)") }
        folder = String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        chmod(folder, 0o755)
        path = folder + "/puppet"
        try FileManager.default.copyItem(atPath: Puppet.program, toPath: path)
        guard chown(path, 0, 0) == 0, chmod(path, 0o4755) == 0 else {
            throw Puppet.Failure(description: "chmod \(path): errno \(errno)")
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }
}
