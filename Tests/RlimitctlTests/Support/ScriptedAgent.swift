import Foundation
import RlimitKernel
import RlimitModel
import RlimitWire
import Synchronization

/// A server that answers each request with the result of a closure. It has no policy and sets no limits.
final class ScriptedAgent: Sendable {
    let socket: String
    private let scratch: Scratch
    private let isOver = Flag()

    typealias Answer = @Sendable (Request) -> Result<Reply, RlimitError>

    private final class Flag: Sendable { let value = Atomic(false) }

    init(_ answer: @escaping Answer) throws {
        scratch = try Scratch()
        socket = scratch.path + "/s"
        let path = socket, isOver = isOver, isListening = DispatchSemaphore(value: 0)
        Thread {
            guard let listener = try? Listener(path: path) else { return }
            isListening.signal()
            while !isOver.value.load(ordering: .relaxed) {
                guard let connection = try? listener.accept() else {
                    usleep(2000)
                    continue
                }
                try? Self.serve(connection, answer)
            }
        }.start()
        guard isListening.wait(timeout: .now() + 5) == .success else { throw CocoaError(.fileNoSuchFile) }
    }

    deinit { isOver.value.store(true, ordering: .relaxed) }

    // Serves one connection until it closes. The tool makes one connection and sends one request at a time.
    private static func serve(_ connection: borrowing StreamSocket, _ answer: Answer) throws {
        var input = ByteQueue(), output = ByteQueue()
        var decoder = RequestDecoder(), encoder = ResponseEncoder()
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            _ = try connection.wait(for: .readable, until: .never)
            guard case .bytes(let count) = try buffer.withUnsafeMutableBytes({ try connection.receive(into: $0) })
            else {
                return
            }
            buffer.withUnsafeBytes { input.append(UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
            while let range = try input.withBytes({ try Frame.payload(in: $0, from: 0, limit: Frame.maxRequestLength) })
            {
                let request = try input.withBytes { try decoder.decode($0.extracting(range)) }
                input.consume(range.upperBound)
                encoder.encode(Response(id: request.id, answer(request)), into: &output)
                while !output.isEmpty {
                    output.consume(try output.withUnsafeBytes { try connection.send($0) } ?? 0)
                }
            }
        }
    }
}
