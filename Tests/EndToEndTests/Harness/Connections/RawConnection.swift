import Foundation

/// A connection that says whatever a test wants said, right or wrong. Closed when the test lets go of it.
final class RawConnection {
    let descriptor: Int32

    /// A request with id 1 for `server_info`, as PROTOCOL.md spells the bytes.
    static let serverInfoRequest: [UInt8] = [0, 0, 0, 4, 0x08, 1, 0x5a, 0]

    init(to path: String) throws {
        descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Self.failure("socket") }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else { throw Self.failure("connect \(path)") }
        setReceiveTimeout()
    }

    /// One that somebody else made.
    init(owning descriptor: Int32) {
        self.descriptor = descriptor
        setReceiveTimeout()
    }

    private func setReceiveTimeout() {
        var timeout = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) throws {
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Self.failure("send")
        }
    }

    /// The payload of the next response; nil when the agent has closed the connection.
    func response() throws -> [UInt8]? {
        guard let header = try receive(exactly: 4) else { return nil }
        return try receive(exactly: header.reduce(0) { $0 << 8 | Int($1) })
    }

    /// Whether a request for `server_info` is answered.
    func isAnswered() throws -> Bool {
        try send(Self.serverInfoRequest)
        return try response() != nil
    }

    private func receive(exactly count: Int) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var block = [UInt8](repeating: 0, count: count - bytes.count)
            let received = recv(descriptor, &block, block.count, 0)
            // Closed with unread bytes of ours in its buffer, Linux says ECONNRESET where it would have said the end.
            if received == 0 || received < 0 && errno == ECONNRESET { return nil }
            guard received > 0 else { throw Self.failure("recv") }
            bytes += block[..<received]
        }
        return bytes
    }

    static func failure(_ call: String) -> ChildProcess.Failure {
        ChildProcess.Failure(description: "\(call): \(String(cString: strerror(errno)))")
    }
}
