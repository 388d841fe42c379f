import Glibc
import RlimitKernel
import Testing

@Suite struct StreamSocketTests {
    @Test func `Bytes go both ways`() throws {
        let connection = try ConnectedPair()
        #expect(try connection.server.receiveText() == nil)
        #expect(try connection.client.send("ping") == 4)
        #expect(try connection.server.receiveText() == "ping")
        #expect(try connection.server.send("pong") == 4)
        #expect(try connection.client.receiveText() == "pong")
    }

    @Test func `After the peer has closed, a read gives the end and a write an error without a signal`() throws {
        let scratch = try ScratchDirectory()
        let listener = try Listener(path: scratch.file("socket"))
        let client = try StreamSocket.connect(to: scratch.file("socket"), timeout: .seconds(5))
        #expect(try listener.acceptsOne())
        #expect(try soon { try client.receiveText() == "" })
        let error = #expect(throws: SystemError.self) { try client.send("more") }
        #expect(error?.number == EPIPE)
    }

    @Test func `A socket never gets the number of a closed standard stream`() throws {
        let scratch = try ScratchDirectory()
        let path = scratch.file("socket")
        let listener = try Listener(path: path)
        let child = try ChildProcess.probe("close=0", "close=2", "connect=\(path)", "connection")
        for _ in 0..<3 { #expect(try child.line() == "done") }
        let number = try #require(Int(try child.line()))
        #expect(number > 2)
        #expect(try listener.acceptsOne())
    }

    @Test func `A full socket buffer is reported and no bytes are lost`() throws {
        let connection = try ConnectedPair()
        let text = String(repeating: "x", count: 65536)
        var sent = 0
        while let count = try connection.client.send(text) { sent += count }
        #expect(try connection.client.wait(for: .writable, until: MonotonicDeadline(after: 20_000_000)) == false)
        var received = 0
        while let text = try connection.server.receiveText() { received += text.utf8.count }
        #expect(received == sent)
        #expect(try connection.client.wait(for: .writable, until: MonotonicDeadline(after: 5_000_000_000)))
    }

    @Test(arguments: [1, 300, 1500, 3776])
    func `The memory of what the peer of an accepted connection does not read is bounded`(size: Int) throws {
        let connection = try ConnectedPair()
        #expect(connection.server.unreadMemory == 0)
        // Many messages of one size, then one of the maximum size.
        for size in [size, StreamSocket.pageMessageSize] {
            let text = String(repeating: "x", count: size)
            while try connection.server.send(text) != nil {
                #expect(connection.server.unreadMemory <= StreamSocket.maxUnreadMemory)
            }
        }
        #expect(connection.server.unreadMemory > StreamSocket.maxUnreadMemory / 2)
        while let text = try connection.client.receiveText(), !text.isEmpty {}
        #expect(connection.server.unreadMemory == 0)
    }

    @Test func `Waiting ends with the deadline, or at once where something is there`() throws {
        let connection = try ConnectedPair()
        let start = ContinuousClock.now
        #expect(try connection.server.wait(for: .readable, until: MonotonicDeadline(after: 30_000_000)) == false)
        #expect(ContinuousClock.now - start >= .milliseconds(30))
        #expect(try connection.server.wait(for: .readable, until: MonotonicDeadline(at: 0)) == false)
        _ = try connection.client.send("x")
        #expect(try connection.server.wait(for: .readable, until: MonotonicDeadline(at: 0)))
        #expect(try connection.server.wait(for: .readable, until: .never))
    }

    @Test func `A receive into an empty buffer is not the end of the stream`() throws {
        let connection = try ConnectedPair()
        #expect(try connection.server.receive(into: UnsafeMutableRawBufferPointer(start: nil, count: 0)) == .bytes(0))
    }

    @Test(arguments: [(106, true), (107, true), (108, false), (109, false), (4000, false)])
    func `A path that does not fit is an error, never cut`(length: Int, fits: Bool) throws {
        let scratch = try ScratchDirectory()
        let path = scratch.path + "/" + String(repeating: "s", count: length - scratch.path.utf8.count - 1)
        #expect(path.utf8.count == length)
        if fits {
            let listener = try Listener(path: path)
            let client = try StreamSocket.connect(to: path, timeout: .seconds(1))
            #expect(access(path, F_OK) == 0)
            #expect(client.descriptor.number != listener.descriptor.number)
        } else {
            #expect(throws: SystemError(number: ENAMETOOLONG, call: "")) { _ = try Listener(path: path) }
            #expect(throws: SystemError(number: ENAMETOOLONG, call: "")) {
                _ = try StreamSocket.connect(to: path, timeout: nil)
            }
        }
    }

    @Test(arguments: ["", "/tmp/a\0b"])
    func `An invalid path is an error`(path: String) {
        #expect(throws: SystemError(number: EINVAL, call: "")) { _ = try StreamSocket.connect(to: path, timeout: nil) }
    }

    @Test func `A missing socket and a socket that refuses are different errors`() throws {
        let scratch = try ScratchDirectory()
        #expect(throws: SystemError(number: ENOENT, call: "")) {
            _ = try StreamSocket.connect(to: scratch.file("nothing"), timeout: .seconds(1))
        }
        do { _ = try Listener(path: scratch.file("gone")) }
        var refusal: SystemError?
        let isRefused = soon {
            do throws(SystemError) {
                _ = try StreamSocket.connect(to: scratch.file("gone"), timeout: .seconds(1))
            } catch {
                refusal = error
            }
            return refusal != nil
        }
        #expect(isRefused && refusal?.number == ECONNREFUSED)
    }

    @Test(.timeLimit(.minutes(10)))
    func `A connect to a full backlog ends at its timeout`() throws {
        let scratch = try ScratchDirectory()
        let listener = try Listener(path: scratch.file("socket"), backlog: 1)
        var waiting: [Int32] = []
        defer { waiting.forEach { close($0) } }
        var refused: SystemError?
        let start = ContinuousClock.now
        for _ in 0..<5 where refused == nil {
            do throws(SystemError) {
                let socket = try StreamSocket.connect(to: scratch.file("socket"), timeout: .milliseconds(100))
                waiting.append(dup(socket.descriptor.number))
            } catch { refused = error }
        }
        #expect(refused?.number == ETIMEDOUT)
        #expect(ContinuousClock.now - start >= .milliseconds(90))
        // Room again, and the next gets in.
        while try listener.acceptsOne() {}
        _ = try StreamSocket.connect(to: scratch.file("socket"), timeout: .milliseconds(100))
    }

    @Test func `Sockets are close-on-exec and nonblocking`() throws {
        let connection = try ConnectedPair()
        for number in [connection.client.descriptor.number, connection.server.descriptor.number] {
            #expect(fcntl(number, F_GETFD) & FD_CLOEXEC != 0)
        }
        #expect(fcntl(connection.server.descriptor.number, F_GETFL) & O_NONBLOCK != 0)
        #expect(try connection.client.receiveText() == nil)
        #expect(try connection.server.receiveText() == nil)
        #expect(fcntl(connection.listener.descriptor.number, F_GETFD) & FD_CLOEXEC != 0)
        #expect(fcntl(connection.listener.descriptor.number, F_GETFL) & O_NONBLOCK != 0)
    }
}
