import Foundation
import Glibc
import RlimitModel
import RlimitWire
import Synchronization

@testable import RlimitClient

/// A listener on a socket of its own that runs a test's script for each connection.
final class ScriptedAgent: Sendable {
    typealias Script = @Sendable (ScriptedSession) throws -> Void

    let folder: String
    var path: String { folder + "/agent.sock" }
    var socket: AgentSocket { AgentSocket(path: path) }
    private let listener: Int32
    private let isFolderOurs: Bool
    private let isStopped = Mutex(false)
    private let log = Log()

    private final class Log: Sendable {
        let requests = Mutex<[ScriptedRequest]>([])
        let connections = Mutex(0)
        let ends = Mutex(0)
    }

    /// The requests that were received, in order.
    var requests: [ScriptedRequest] { log.requests.withLock { $0 } }
    /// The number of closed connections.
    var ends: Int { log.ends.withLock { $0 } }
    /// The number of accepted connections.
    var connections: Int { log.connections.withLock { $0 } }

    /// The first script runs for the first connection, and so on; the last one also runs for all later connections. Without a
    /// script no connection is accepted.
    init(takingOver other: ScriptedAgent? = nil, backlog: Int32 = 16, _ scripts: Script...) throws {
        isFolderOurs = other == nil
        folder = other?.folder ?? Self.temporaryFolder()
        listener = try listening(at: folder + "/agent.sock", backlog)
        let log = log, number = listener
        guard let last = scripts.last else { return }
        // The accepting thread closes the listener, so that its number is not reused while it accepts.
        Thread.detachNewThread {
            defer { Glibc.close(number) }
            var rest = scripts[...]
            while true {
                let connection = accept(number, nil, nil)
                if connection < 0 && errno == EINTR { continue }
                guard connection >= 0 else { return }
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                let script = rest.popFirst() ?? last
                log.connections.withLock { $0 += 1 }
                Thread.detachNewThread {
                    let session = ScriptedSession(connection) { request in log.requests.withLock { $0.append(request) }
                    }
                    try? script(session)
                    session.close()
                    log.ends.withLock { $0 += 1 }
                }
            }
        }
    }

    /// Stops listening. The socket file stays, as after the agent is killed.
    func stop() {
        // Once: the number may be reused afterwards.
        let isOurs = isStopped.withLock { isStopped in
            defer { isStopped = true }
            return !isStopped
        }
        if isOurs { shutdown(listener, Int32(SHUT_RDWR)) }
    }

    deinit {
        stop()
        if isFolderOurs { try? FileManager.default.removeItem(atPath: folder) }
    }

    func client(
        _ strategy: BlockingLimitClient.Strategy = .agentOnly, timeout: Duration? = .seconds(60)
    ) -> BlockingLimitClient {
        BlockingLimitClient(socket: socket, strategy: strategy, timeout: timeout)
    }

    static func temporaryFolder() -> String {
        var template = Array("/tmp/rlimit-client-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return "/nonexistent" }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

struct ScriptedRequest: Sendable {
    let request: Request
    /// The pid of the process whose pidfd came with the request.
    let process: Int32?
}

/// One connection of a scripted agent.
final class ScriptedSession: Sendable {
    let number: Int32
    private let note: @Sendable (ScriptedRequest) -> Void

    init(_ number: Int32, note: @escaping @Sendable (ScriptedRequest) -> Void) {
        self.number = number
        self.note = note
    }

    func close() {
        // Children that other tests start at this moment have copies of the descriptor.
        shutdown(number, Int32(SHUT_RDWR))
        Glibc.close(number)
    }

    /// The next request; nil after the client has closed the connection.
    func next() throws -> Request? {
        var descriptor: Int32?
        guard let header = receive(Frame.headerLength, &descriptor), header.count == Frame.headerLength else {
            return nil
        }
        let length = header.reduce(0) { $0 << 8 | Int($1) }
        guard let payload = receive(length, &descriptor), payload.count == length else { return nil }
        var decoder = RequestDecoder()
        let request = try decoder.decode(payload.span)
        note(ScriptedRequest(request: request, process: descriptor.flatMap(processBehind)))
        if let descriptor { Glibc.close(descriptor) }
        return request
    }

    /// Answers every request with the reply of `answer`.
    func serve(_ answer: (Request) -> Reply) throws {
        while let request = try next() { send(Response(id: request.id, .success(answer(request)))) }
    }

    static func bytes(of response: Response) -> [UInt8] {
        var encoder = ResponseEncoder()
        var queue = ByteQueue()
        encoder.encode(response, into: &queue)
        return queue.withUnsafeBytes { Array($0) }
    }

    func send(_ response: Response) { send(Self.bytes(of: response)) }

    func send(_ bytes: some Sequence<UInt8>) {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Whether bytes arrive within this many milliseconds.
    func isReadable(within milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) > 0
    }

    /// Waits until the client closes the connection.
    func waitForEnd() {
        var descriptor: Int32?
        while let bytes = receive(64, &descriptor), !bytes.isEmpty {}
    }

    // Receives `count` bytes with recvmsg(2), and at most one descriptor.
    private func receive(_ count: Int, _ descriptor: inout Int32?) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var part = [UInt8](repeating: 0, count: count - bytes.count)
            var control = [UInt64](repeating: 0, count: 3)
            let received = part.withUnsafeMutableBytes { part in
                control.withUnsafeMutableBytes { control in
                    var vector = iovec(iov_base: part.baseAddress, iov_len: part.count)
                    return withUnsafeMutablePointer(to: &vector) { vector in
                        var message = msghdr()
                        message.msg_iov = vector
                        message.msg_iovlen = 1
                        message.msg_control = control.baseAddress
                        message.msg_controllen = control.count
                        let received = recvmsg(number, &message, 0)
                        // A cmsghdr of 16 bytes, then the descriptor.
                        if received > 0, message.msg_controllen >= 20 {
                            descriptor = control.load(fromByteOffset: 16, as: Int32.self)
                        }
                        return received
                    }
                }
            }
            if received < 0 && errno == EINTR { continue }
            guard received > 0 else { return received == 0 ? bytes : nil }
            bytes += part.prefix(received)
        }
        return bytes
    }
}

// The field "Pid:" of the descriptor's fdinfo in /proc.
private func processBehind(_ descriptor: Int32) -> Int32? {
    let text = try? String(contentsOfFile: "/proc/self/fdinfo/\(descriptor)", encoding: .utf8)
    let line = text?.split(separator: "\n").first { $0.hasPrefix("Pid:") }
    return line?.split(separator: "\t").last.flatMap { Int32($0) }
}

private func listening(at path: String, _ backlog: Int32) throws -> Int32 {
    let number = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else { throw POSIXError(.EIO) }
    unlink(path)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    guard bound == 0, listen(number, backlog) == 0 else { throw POSIXError(.EADDRINUSE) }
    return number
}
