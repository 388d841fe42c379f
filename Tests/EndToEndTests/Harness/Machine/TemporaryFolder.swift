import Foundation

/// Makes folders that are removed when the tests end.
enum TemporaryFolder {
    static func make(mode: Int) throws -> String {
        var name = Array("/tmp/rlimitd-test.XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else {
            throw ChildProcess.Failure(description: "mkdtemp: \(String(cString: strerror(errno)))")
        }
        let path = String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        chmod(path, mode_t(mode))
        removeAtExit(path)
        return path
    }

    private static let lock = NSLock()
    nonisolated(unsafe) private static var paths: [String] = []

    private static func removeAtExit(_ path: String) {
        lock.withLock {
            if paths.isEmpty { atexit { TemporaryFolder.removeAll() } }
            paths.append(path)
        }
    }

    private static func removeAll() {
        lock.withLock { paths.forEach { try? FileManager.default.removeItem(atPath: $0) } }
    }
}
