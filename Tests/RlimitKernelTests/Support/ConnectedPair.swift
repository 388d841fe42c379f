import CTestKernel
import Glibc
import RlimitKernel
import RlimitModel
import Testing

/// Two connected ends, and what listens for more.
struct ConnectedPair: ~Copyable {
    let scratch: ScratchDirectory
    let listener: Listener
    let client: StreamSocket
    var server: StreamSocket

    init() throws {
        let scratch = try ScratchDirectory()
        let listener = try Listener(path: scratch.file("socket"))
        let client = try StreamSocket.connect(to: scratch.file("socket"), timeout: .seconds(5))
        let server = try listener.acceptOne()
        self.scratch = scratch
        self.listener = listener
        self.client = client
        self.server = server
    }
}

extension Listener {
    /// Whether a connection was pending. Closes it.
    func acceptsOne() throws -> Bool {
        switch try accept() {
        case .some: true
        case .none: false
        }
    }

    /// Accepts a pending connection. Fails if there is none.
    func acceptOne() throws -> StreamSocket {
        guard let socket = try accept() else { throw SystemError(number: EAGAIN, call: "accept") }
        return socket
    }
}

extension StreamSocket {
    func send(_ text: String, with descriptor: Int32? = nil) throws -> Int? {
        let bytes = Array(text.utf8)
        if let descriptor { return try bytes.withUnsafeBytes { try send($0, with: descriptor) } }
        return try bytes.withUnsafeBytes { try send($0) }
    }

    /// The text that came; "" at the end, nil where nothing is there.
    func receiveText() throws -> String? {
        var bytes = [UInt8](repeating: 0, count: 65536)
        switch try bytes.withUnsafeMutableBytes({ try receive(into: $0) }) {
        case .bytes(let count): return String(decoding: bytes[..<count], as: UTF8.self)
        case .wouldBlock: return nil
        case .end: return ""
        }
    }
}

/// What came out of a receive with room for a descriptor.
struct ReceivedMessage: ~Copyable {
    var kind: String
    var text = ""
    var descriptor: FileDescriptor?

    init(from socket: borrowing StreamSocket) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 1)
        defer { buffer.deallocate() }
        switch try socket.receiveWithDescriptor(into: buffer) {
        case .bytes(let count, let descriptor):
            kind = descriptor == nil ? "bytes" : "bytes with descriptor"
            text = String(decoding: buffer[..<count], as: UTF8.self)
            self.descriptor = descriptor
        case .wouldBlock: kind = "nothing yet"
        case .end: kind = "end"
        case .fault: kind = "fault"
        }
    }
}
