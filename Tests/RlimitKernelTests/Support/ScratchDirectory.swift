import Foundation
import Glibc
import Testing

/// A folder of a test's own that every user can reach into, gone afterwards.
final class ScratchDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/kernel-tests.XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        chmod(path, 0o755)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    /// Makes a file with something in it.
    func write(_ name: String, mode: UInt32 = 0o644) throws -> String {
        try Data("x".utf8).write(to: URL(fileURLWithPath: file(name)))
        chmod(file(name), mode)
        return file(name)
    }

    /// The number of descriptors of this process that are open on a file. Concurrent tests open other files.
    static func descriptors(on path: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
            .filter { (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path }
            .count
    }

    /// Whether all of them are closed within seconds. Another thread closes those that a peer sent.
    static func allAreClosed(on path: String) throws -> Bool {
        try soon { try descriptors(on: path) == 0 }
    }
}

/// Whether something becomes true within moments. A child that another test is just starting has all our descriptors
/// until it executes its program, so what was closed here may not be closed yet.
func soon(_ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = ContinuousClock.now + .seconds(5)
    while try !condition() {
        guard ContinuousClock.now < deadline else { return false }
        usleep(1000)
    }
    return true
}

/// Tests of several users act as root.
func requireRoot() throws { try #require(geteuid() == 0, "these tests run as root") }
