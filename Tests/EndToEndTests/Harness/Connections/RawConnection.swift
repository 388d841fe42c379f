import CTestKernel
import Foundation
import RlimitModel
import RlimitWire

/// A connection that sends arbitrary bytes, valid or not. It is closed when it is released.
final class RawConnection {
    let descriptor: Int32

    /// A `server_info` request with id 1, in the bytes that PROTOCOL.md shows.
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

    /// A connection of another user for the kernel: `uid` is the effective user id during connect(2).
    convenience init(to path: String, asUser uid: UInt32) throws {
        let changed = tk_set_effective_uid_of_thread(uid)
        defer { _ = tk_set_effective_uid_of_thread(0) }
        guard changed == 0 else { throw Self.failure("setresuid") }
        try self.init(to: path)
    }

    /// Takes over a connected descriptor, such as one that another process has connected.
    init(owning descriptor: Int32) {
        self.descriptor = descriptor
        setReceiveTimeout()
    }

    private func setReceiveTimeout() {
        var timeout = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) throws {
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Self.failure("send")
        }
    }

    /// Sends bytes with descriptors attached to the first byte.
    func send(_ bytes: [UInt8], with descriptors: [Int32]) throws {
        let sent = tk_send_descriptors(descriptor, bytes, bytes.count, descriptors, descriptors.count)
        guard sent == bytes.count else { throw Self.failure("sendmsg") }
    }

    /// Sends as many bytes as the socket buffer takes at once. Returns whether these were all.
    @discardableResult
    func sendWithoutWaiting(_ bytes: [UInt8]) -> Bool {
        Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) == bytes.count
    }

    /// Waits until the agent has read all bytes that were sent. ioctl(2) with SIOCOUTQ.
    func waitUntilRead() throws {
        try waitUntil("the agent has read all bytes") {
            var unread: Int32 = 0
            guard ioctl(descriptor, UInt(TIOCOUTQ), &unread) == 0 else { throw Self.failure("ioctl") }
            return unread == 0
        }
    }

    /// Whether a response, or the end of the connection, can be read now.
    var isReadable: Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) > 0
    }

    /// The payload of the next response; nil when the agent has closed the connection.
    func response() throws -> [UInt8]? {
        guard let header = try receive(exactly: 4) else { return nil }
        return try receive(exactly: header.reduce(0) { $0 << 8 | Int($1) })
    }

    /// The next response, decoded; nil when the agent has closed the connection.
    func decodedResponse() throws -> Response? {
        var decoder = ResponseDecoder()
        return try response().map { try decoder.decode($0.span) }
    }

    /// The error of the next response; nil if the response is a success or the connection is closed.
    func nextError() throws -> RlimitError? {
        guard case .failure(let error) = try decodedResponse()?.outcome else { return nil }
        return error
    }

    /// Whether a `server_info` request gets a response, which may be an error.
    func isAnswered() throws -> Bool {
        try send(Self.serverInfoRequest)
        return try response() != nil
    }

    /// Whether a `server_info` request succeeds.
    func isServed() throws -> Bool {
        try send(Self.serverInfoRequest)
        guard case .success = try decodedResponse()?.outcome else { return false }
        return true
    }

    private func receive(exactly count: Int) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var block = [UInt8](repeating: 0, count: count - bytes.count)
            let received = recv(descriptor, &block, block.count, 0)
            // If the agent closes the connection with unread bytes in its buffer, Linux returns ECONNRESET instead of
            // 0.
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
