import CTestKernel
import Glibc
import RlimitKernel
import Testing

/// Descriptors of a peer that block the thread which closes them.
@Suite(.serialized) struct DeferredCloseTests {
    // Longer than any step of these tests may take.
    private static let lingering = 20
    private static let patience: Duration = .seconds(5)

    @Test func `Closing the socket of these tests blocks the closing thread`() throws {
        // A child that another test is just starting may hold the socket for a moment; then the close is not the last.
        let held = try (0..<5).contains { _ in
            var other: Int32 = -1
            let number = tk_lingering_socket(1, &other)
            try #require(number >= 0)
            let start = ContinuousClock.now
            close(number)
            close(other)
            return ContinuousClock.now - start >= .milliseconds(900)
        }
        #expect(held)
    }

    @Test func `A receive that accepts no descriptors does not block when one arrives`() throws {
        let connection = try ConnectedPair()
        let others = try send(3, over: connection.client)
        defer { others.forEach { close($0) } }
        let start = ContinuousClock.now
        for _ in 0..<3 { #expect(try connection.server.receiveText() == "frame") }
        #expect(try connection.server.receiveText() == nil)
        #expect(ContinuousClock.now - start < Self.patience)
    }

    @Test func `Closing a connection with an unread descriptor does not block`() throws {
        var others: [Int32] = []
        defer { others.forEach { close($0) } }
        let start: ContinuousClock.Instant
        do {
            let connection = try ConnectedPair()
            others = try send(3, over: connection.client)
            start = ContinuousClock.now
        }
        #expect(ContinuousClock.now - start < Self.patience)
    }

    @Test func `A client that leaves a descriptor unread and disconnects blocks no thread`() throws {
        let scratch = try ScratchDirectory()
        let listener = try Listener(path: scratch.file("socket"))
        var others: [Int32] = []
        defer { others.forEach { close($0) } }
        do {
            let client = try StreamSocket.connect(to: scratch.file("socket"), timeout: .seconds(5))
            others = try send(1, over: client)
        }
        let start = ContinuousClock.now
        #expect(try listener.acceptsOne())
        #expect(ContinuousClock.now - start < Self.patience)
    }

    @Test func `Received descriptors do not block the receiver, whether one or two come with a message`() throws {
        let connection = try ConnectedPair()
        let others = try send(2, over: connection.client)
        defer { others.forEach { close($0) } }
        let start = ContinuousClock.now
        for _ in 0..<2 { #expect(try ReceivedMessage(from: connection.server).kind == "bytes with descriptor") }
        var other: Int32 = -1
        let pair = [try lingering(&other), try lingering(&other)]
        _ = tk_send_descriptors(connection.client.descriptor.number, "frame", 5, pair, 2)
        pair.forEach { close($0) }
        #expect(try ReceivedMessage(from: connection.server).kind == "fault")
        #expect(ContinuousClock.now - start < Self.patience)
    }

    @Test func `A descriptor that is not a pidfd is closed without blocking`() throws {
        let connection = try ConnectedPair()
        let others = try send(1, over: connection.client)
        defer { others.forEach { close($0) } }
        var arrival = try ReceivedMessage(from: connection.server)
        let start = ContinuousClock.now
        guard let descriptor = arrival.descriptor.take() else {
            Issue.record("no descriptor came")
            return
        }
        #expect((Pidfd(adopting: descriptor) == nil) == true)
        #expect(ContinuousClock.now - start < Self.patience)
    }

    @Test func `A hundred hostile connections are all closed in the end`() throws {
        let scratch = try ScratchDirectory()
        let file = try scratch.write("sent")
        for _ in 0..<100 {
            let connection = try ConnectedPair()
            let number = open(file, O_RDONLY)
            _ = try connection.client.send("frame", with: number)
            close(number)
        }
        #expect(try ScratchDirectory.allAreClosed(on: file))
        // Descriptors in flight do not appear in /proc/self/fd. The kernel still accepts messages.
        let connection = try ConnectedPair()
        #expect(try connection.client.send("still here") == 10)
        #expect(try connection.server.receiveText() == "still here")
    }

    // Sends `count` lingering sockets, one a message, and closes its copies. Returns their peers, which read nothing.
    private func send(_ count: Int, over socket: borrowing StreamSocket) throws -> [Int32] {
        var others: [Int32] = []
        for _ in 0..<count {
            var other: Int32 = -1
            let number = try lingering(&other)
            others.append(other)
            #expect(try socket.send("frame", with: number) == 5)
            close(number)
        }
        return others
    }

    private func lingering(_ other: inout Int32) throws -> Int32 {
        let number = tk_lingering_socket(Int32(Self.lingering), &other)
        try #require(number >= 0, "\(SystemError.text(of: -number))")
        return number
    }
}
