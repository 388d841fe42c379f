import Foundation
import Glibc
import RlimitKernel
import Testing

@Suite struct ListenerTests {
    private let scratch: ScratchDirectory
    private let path: String

    init() throws {
        scratch = try ScratchDirectory()
        path = scratch.file("socket")
    }

    @Test func `Everyone may connect, whatever the umask`() throws {
        let listener = try Listener(path: path)
        #expect(mode(of: path) == 0o666)
        #expect(try listener.acceptsOne() == false)
        let narrow = try Listener(path: scratch.file("other"), mode: 0o600)
        #expect(mode(of: scratch.file("other")) == 0o600)
        narrow.removePath()
        listener.removePath()
        #expect(access(path, F_OK) != 0)
    }

    @Test func `A stale socket is replaced`() throws {
        do { _ = try Listener(path: path) }
        #expect(access(path, F_OK) == 0)
        #expect(isStale(path))
        let listener = try Listener(path: path)
        _ = try StreamSocket.connect(to: path, timeout: .seconds(1))
        #expect(try listener.acceptsOne())
    }

    @Test func `A live listener's socket stays, even with a full backlog`() throws {
        let live = try Listener(path: path, backlog: 0)
        for _ in 0..<4 {
            #expect(throws: SystemError(number: EADDRINUSE, call: "")) { _ = try Listener(path: path) }
        }
        #expect(try live.acceptsOne())
    }

    @Test func `A path that is not a socket is kept`() throws {
        let file = try scratch.write("file")
        #expect(throws: SystemError(number: EADDRINUSE, call: "")) { _ = try Listener(path: file) }
        #expect(access(file, F_OK) == 0)
        symlink(path, scratch.file("link"))
        #expect(throws: SystemError(number: EADDRINUSE, call: "")) { _ = try Listener(path: scratch.file("link")) }
    }

    @Test func `The folder is created on request`() throws {
        let inner = scratch.file("folder") + "/socket"
        #expect(throws: SystemError(number: ENOENT, call: "")) { _ = try Listener(path: inner) }
        _ = try Listener(path: inner, creatingDirectory: true)
        #expect(mode(of: scratch.file("folder")) == 0o755)
        // A second time it is there already.
        #expect(isStale(inner))
        _ = try Listener(path: inner, creatingDirectory: true)
    }

    @Test func `A path that another process has bound since then is not removed`() throws {
        let first = try Listener(path: path)
        unlink(path)
        let second = try Listener(path: path)
        first.removePath()
        #expect(access(path, F_OK) == 0)
        second.removePath()
        #expect(access(path, F_OK) != 0)
    }

    @Test func `Without a free descriptor accept fails and the connection stays pending`() throws {
        let child = try ChildProcess.probe("accept-without-room=\(path)")
        #expect(try child.line() == "accept: Too many open files, then accepted")
    }

    @Test(arguments: [
        ("listening", "connected, accepted, LISTEN_FDS unset, inherited false"), ("other", "nothing"),
        ("none", "nothing"),
        ("connected", "the socket from the service manager is not a listening Unix stream socket"),
        ("file", "the socket from the service manager is not a listening Unix stream socket"),
        ("two", "LISTEN_FDS is \"2\"; rlimitd takes exactly one socket"),
    ])
    func `A socket is taken over from a service manager if it is meant for us and listens`(
        what: String, expected: String
    ) throws {
        let child = try ChildProcess.probe("activated=\(path),\(what)", "environment=LISTEN_PID")
        #expect(try child.line().hasPrefix(expected))
        #expect(try child.line() == "not set")
    }

    private func isStale(_ path: String) -> Bool {
        soon {
            do throws(SystemError) {
                _ = try StreamSocket.connect(to: path, timeout: .zero)
                return false
            } catch {
                return error.number == ECONNREFUSED
            }
        }
    }

    private func mode(of path: String) -> UInt32 {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }
}
