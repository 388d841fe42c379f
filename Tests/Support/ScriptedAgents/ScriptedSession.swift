import Foundation
import Glibc
package import RlimitModel
import RlimitWire

/// A request that a scripted agent has read.
package struct ScriptedRequest: Sendable {
    package let request: Request
    /// The pid of the pidfd that was attached to the request, as /proc/self/fdinfo shows it.
    package let process: Int32?
}

/// One connection of a scripted agent.
package final class ScriptedSession: Sendable {
    package let number: Int32
    private let record: @Sendable (ScriptedRequest) -> Void

    private let showsServerInfo: Bool

    init(_ number: Int32, _ showsServerInfo: Bool, record: @escaping @Sendable (ScriptedRequest) -> Void) {
        self.number = number
        self.showsServerInfo = showsServerInfo
        self.record = record
    }

    package func close() {
        // Processes that other tests fork at this moment have copies of the descriptor, which close(2) alone leaves
        // open.
        shutdown(number, Int32(SHUT_RDWR))
        Glibc.close(number)
    }

    /// The next request; nil where the client has closed the connection.
    package func next() throws -> Request? {
        while let request = try nextOfAny() {
            guard !showsServerInfo, request.operation == .serverInfo else { return request }
            send(Response(id: request.id, .failure(RlimitError(.unsupported))))
        }
        return nil
    }

    private func nextOfAny() throws -> Request? {
        var descriptor: Int32?
        guard let header = receive(Frame.headerLength, &descriptor), header.count == Frame.headerLength else {
            return nil
        }
        let length = header.reduce(0) { $0 << 8 | Int($1) }
        guard let payload = receive(length, &descriptor), payload.count == length else { return nil }
        var decoder = RequestDecoder()
        let request = try decoder.decode(payload.span)
        if showsServerInfo || request.operation != .serverInfo {
            record(ScriptedRequest(request: request, process: descriptor.flatMap(Self.pid(ofPidfd:))))
        }
        if let descriptor { Glibc.close(descriptor) }
        return request
    }

    /// Sends a successful response to every request, until the client closes the connection.
    package func serve(_ reply: (Request) -> Reply) throws { try answer { .success(reply($0)) } }

    /// Sends a response to every request, until the client closes the connection.
    package func answer(_ answer: (Request) -> Result<Reply, RlimitError>) throws {
        while let request = try next() { send(Response(id: request.id, answer(request))) }
    }

    /// The frame of a response.
    package static func bytes(of response: Response) -> [UInt8] {
        var encoder = ResponseEncoder()
        var queue = ByteQueue()
        encoder.encode(response, into: &queue)
        return queue.withUnsafeBytes { Array($0) }
    }

    package func send(_ response: Response) { send(Self.bytes(of: response)) }

    package func send(_ bytes: some Sequence<UInt8>) {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Whether bytes, or the end of the connection, arrive within this time.
    package func isReadable(within milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) > 0
    }

    /// Waits until the client closes the connection.
    package func waitForEnd() {
        var descriptor: Int32?
        while let bytes = receive(64, &descriptor), !bytes.isEmpty {}
    }

    // Calls recvmsg(2), with room for one descriptor, until `count` bytes are there.
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
                        // A cmsghdr has 16 bytes; the descriptor follows.
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

    // The field "Pid:" of /proc/self/fdinfo/FD.
    private static func pid(ofPidfd descriptor: Int32) -> Int32? {
        let text = try? String(contentsOfFile: "/proc/self/fdinfo/\(descriptor)", encoding: .utf8)
        let line = text?.split(separator: "\n").first { $0.hasPrefix("Pid:") }
        return line?.split(separator: "\t").last.flatMap { Int32($0) }
    }
}
