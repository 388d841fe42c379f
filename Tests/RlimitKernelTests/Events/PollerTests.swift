import CRlimitLinux
import Glibc
import RlimitKernel
import Synchronization
import Testing

@Suite struct PollerTests {
    @Test func `Events carry the token of their descriptor`() throws {
        let connection = try ConnectedPair()
        let poller = try Poller()
        try poller.add(connection.server.descriptor.number, .readable, token: .max)
        try poller.add(connection.client.descriptor.number, [.readable, .writable], token: 7)
        var seen: [UInt64: Bool] = [:]
        #expect(try poller.wait(timeout: .zero) { seen[$0.token] = $0.isWritable } == 1)
        #expect(seen == [7: true])
        _ = try connection.client.send("x")
        try poller.change(connection.client.descriptor.number, [], token: 7)
        seen = [:]
        #expect(try poller.wait(timeout: nil) { seen[$0.token] = $0.isReadable } == 1)
        #expect(seen == [.max: true])
        try poller.remove(connection.server.descriptor.number)
        #expect(try poller.wait(timeout: .zero) { _ in } == 0)
    }

    @Test func `A closed peer gives a close event`() throws {
        let connection = try ConnectedPair()
        let poller = try Poller()
        try poller.add(connection.server.descriptor.number, [], token: 1)
        shutdown(connection.client.descriptor.number, Int32(SHUT_RDWR))
        var isClosed = false
        try poller.wait(timeout: .seconds(5)) { isClosed = $0.isClosed }
        #expect(isClosed)
    }

    @Test func `More events than one wait returns are all delivered`() throws {
        let scratch = try ScratchDirectory()
        let listener = try Listener(path: scratch.file("socket"), backlog: 200)
        let poller = try Poller()
        let sockets = (0..<200).map { _ in rl_stream_socket() }
        defer { sockets.forEach { close($0) } }
        // A socket that is not connected is over at once.
        for (index, socket) in sockets.enumerated() { try poller.add(socket, .readable, token: UInt64(index)) }
        var seen: Set<UInt64> = []
        for _ in 0..<10 { try poller.wait(timeout: .zero) { seen.insert($0.token) } }
        #expect(seen.count == 200)
        #expect(try listener.acceptsOne() == false)
    }

    @Test func `A wait continues after a signal, until its timeout`() throws {
        let poller = try Poller()
        let thread = pthread_self()
        // It does nothing but interrupt.
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in }
        sigaction(SIGUSR2, &action, nil)
        let interrupter = Interrupter(thread)
        let start = ContinuousClock.now
        #expect(try poller.wait(timeout: .milliseconds(200)) { _ in } == 0)
        let took = ContinuousClock.now - start
        #expect(interrupter.stop() > 3)
        #expect(took >= .milliseconds(200) && took < .seconds(5))
    }

    @Test func `A wait on a socket continues after a signal`() throws {
        let connection = try ConnectedPair()
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in }
        sigaction(SIGUSR2, &action, nil)
        let interrupter = Interrupter(pthread_self())
        let start = ContinuousClock.now
        #expect(try connection.server.wait(for: .readable, until: MonotonicDeadline(after: 100_000_000)) == false)
        #expect(ContinuousClock.now - start >= .milliseconds(100))
        #expect(interrupter.stop() > 1)
    }
}

@Suite struct SignalSourceTests {
    @Test func `A signal is read and does not end the process`() throws {
        // Sent to this very thread, so that no other test sees it.
        let source = try SignalSource([SIGUSR1])
        #expect(try source.next() == nil)
        pthread_kill(pthread_self(), SIGUSR1)
        #expect(try source.next() == SIGUSR1)
        #expect(try source.next() == nil)
        #expect(fcntl(source.descriptor.number, F_GETFD) == FD_CLOEXEC)
    }
}

/// Sends a thread a signal every 20 ms.
private final class Interrupter: @unchecked Sendable {
    private let victim: pthread_t
    private var sender = pthread_t()
    private let isStopped = Atomic(false)
    private let count = Atomic(0)

    init(_ victim: pthread_t) {
        self.victim = victim
        pthread_create(
            &sender, nil,
            { argument in
                guard let argument else { return nil }
                let interrupter = Unmanaged<Interrupter>.fromOpaque(argument).takeUnretainedValue()
                while !interrupter.isStopped.load(ordering: .relaxed) {
                    usleep(20_000)
                    pthread_kill(interrupter.victim, SIGUSR2)
                    interrupter.count.add(1, ordering: .relaxed)
                }
                return nil
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// How many signals there were.
    func stop() -> Int {
        isStopped.store(true, ordering: .relaxed)
        pthread_join(sender, nil)
        return count.load(ordering: .relaxed)
    }
}
