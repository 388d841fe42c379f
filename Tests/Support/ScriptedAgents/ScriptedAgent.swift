import Foundation
import Glibc
package import RlimitModel
import RlimitWire
import Synchronization

/// A listener on a socket of its own that treats each connection as a test's script says. It has no policy and sets no
/// limits.
package final class ScriptedAgent: Sendable {
    package typealias Script = @Sendable (ScriptedSession) throws -> Void

    /// A temporary folder that holds nothing but the socket.
    package let folder: String
    package var path: String { folder + "/agent.sock" }
    private let listener: Int32
    private let ownsFolder: Bool
    private let isStopped = Mutex(false)
    private let log = Log()

    private final class Log: Sendable {
        let requests = Mutex<[ScriptedRequest]>([])
        let connections = Mutex(0)
        let ends = Mutex(0)
    }

    /// All requests that were read, in order.
    package var requests: [ScriptedRequest] { log.requests.withLock { $0 } }
    /// The number of connections that were accepted.
    package var connections: Int { log.connections.withLock { $0 } }
    /// The number of connections that the agent has closed.
    package var ends: Int { log.ends.withLock { $0 } }

    /// The first script treats the first connection, the second script the second one, and the last script all later
    /// ones. Without a script the agent accepts no connection.
    ///
    /// - Parameter other: An agent with a folder that this one uses too, so that clients find the new agent in its
    ///   place.
    /// - Parameter isSerial: Serves one connection at a time; the next one waits until the client closes the one
    ///   before.
    /// - Parameter showsServerInfo: Whether scripts see `server_info`. Otherwise the session answers it without them, as
    ///   an agent that does not have it, so that clients name other processes by pidfds.
    package init(
        takingOver other: ScriptedAgent? = nil, backlog: Int32 = 16, isSerial: Bool = false,
        showsServerInfo: Bool = false, _ scripts: Script...
    ) throws {
        ownsFolder = other == nil
        folder = other?.folder ?? Self.temporaryFolder()
        listener = try Self.listen(at: folder + "/agent.sock", backlog: backlog)
        guard let last = scripts.last else { return }
        let log = log, listener = listener
        Thread.detachNewThread {
            // The accepting thread closes the listener, so that its number is not reused while it accepts.
            defer { close(listener) }
            var rest = scripts[...]
            while true {
                let connection = accept(listener, nil, nil)
                if connection < 0 && errno == EINTR { continue }
                guard connection >= 0 else { return }
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                let script = rest.popFirst() ?? last
                log.connections.withLock { $0 += 1 }
                let serve: @Sendable () -> Void = {
                    let session = ScriptedSession(connection, showsServerInfo) { request in
                        log.requests.withLock { $0.append(request) }
                    }
                    try? script(session)
                    session.close()
                    log.ends.withLock { $0 += 1 }
                }
                if isSerial { serve() } else { Thread.detachNewThread(serve) }
            }
        }
    }

    /// An agent that sends `answer`'s result for each request of each connection.
    package static func answering(
        showsServerInfo: Bool = false, _ answer: @escaping @Sendable (Request) -> Result<Reply, RlimitError>
    ) throws -> ScriptedAgent {
        try ScriptedAgent(showsServerInfo: showsServerInfo) { session in try session.answer(answer) }
    }

    /// Stops listening. The socket file stays, as it does when an agent is killed.
    package func stop() {
        // Only once: afterwards the number can belong to another descriptor.
        let isFirst = isStopped.withLock { isStopped in
            defer { isStopped = true }
            return !isStopped
        }
        if isFirst { shutdown(listener, Int32(SHUT_RDWR)) }
    }

    deinit {
        stop()
        if ownsFolder { try? FileManager.default.removeItem(atPath: folder) }
    }

    package static func temporaryFolder() -> String {
        var template = Array("/tmp/rlimit-client-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return "/nonexistent" }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func listen(at path: String, backlog: Int32) throws -> Int32 {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
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
        guard bound == 0, Glibc.listen(number, backlog) == 0 else { throw POSIXError(.EADDRINUSE) }
        return number
    }
}
