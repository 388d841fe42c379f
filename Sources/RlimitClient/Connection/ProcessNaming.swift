import RlimitKernel
import RlimitModel
import RlimitWire
import Synchronization

/// How the requests of one connection name other processes. The agent's `server_info` decides.
///
/// The agent takes no descriptor from a caller without a rule, so a pidfd would get such a caller refused even what needs
/// no rule. In the agent's own PID namespace, the client therefore sends the pid. It holds a pidfd of the process during
/// the call: as long as that process has not been reaped, the pid belongs to no other one.
struct ProcessNaming: RawRepresentable, Sendable {
    let rawValue: UInt8

    private static let isKnown: UInt8 = 1
    private static let byPID: UInt8 = 2
    private static let byPidfd: UInt8 = 4

    /// nil for a connection on which nothing is known yet.
    init?(rawValue: UInt8) {
        guard rawValue & Self.isKnown != 0 else { return nil }
        self.rawValue = rawValue
    }

    init(_ info: AgentInfo) {
        let comparesIdentity = info.features.contains(Feature.pidIdentity.rawValue)
        self.init(
            acceptsPID: comparesIdentity && info.caller.namespaceDepth == 1,
            acceptsPidfd: info.caller.mayAttachPidfd ?? true)
    }

    /// - Parameter answer: The answer to `server_info`; nil for a response of another kind.
    /// - Throws: The agent's error, unless it says that the agent does not have `server_info`.
    init(_ answer: Result<AgentInfo?, RlimitError>, from socket: AgentSocket) throws(RlimitError) {
        switch answer {
        case .success(let info?): self.init(info)
        case .success(nil): throw .unexpectedReply(socket)
        case .failure(let error):
            guard error.code == .unsupported else { throw error }
            self = .pidfdOnly
        }
    }

    private init(acceptsPID: Bool, acceptsPidfd: Bool) {
        rawValue = Self.isKnown | (acceptsPID ? Self.byPID : 0) | (acceptsPidfd ? Self.byPidfd : 0)
    }

    /// For an agent without `server_info`.
    static let pidfdOnly = ProcessNaming(acceptsPID: false, acceptsPidfd: true)

    /// Whether the caller is in the agent's own PID namespace, and the agent compares identities.
    var acceptsPID: Bool { rawValue & Self.byPID != 0 }

    /// Whether the agent receives pidfds from the caller.
    var acceptsPidfd: Bool { rawValue & Self.byPidfd != 0 }

    /// Whether a request about the process can be sent with what is known: by pid, or with a pidfd. If not, the agent is
    /// asked again, because another policy can let this caller send pidfds.
    func suffices(for process: PinnedProcess) -> Bool { acceptsPidfd || pid(of: process) != nil }

    // Process 1 has a pid that no request may name.
    private func pid(of process: PinnedProcess) -> Int32? {
        guard acceptsPID, let pid = process.pid, pid > 1 else { return nil }
        return pid
    }

    /// A request about a process as this connection sends it.
    func named(_ request: AgentRequest, _ process: PinnedProcess) -> NamedRequest {
        guard let pid = pid(of: process) else {
            // Without the descriptor, the agent refuses, and says which rule would help. Sending a descriptor to a socket
            // that receives none fails on some kernels.
            return NamedRequest(
                AgentRequest(
                    request.operation, isExplain: request.isExplain, sending: acceptsPidfd ? process : nil))
        }
        // A get without an identity is the fastest request. The client discards its response if the process has ended.
        guard !request.isReadOnly else {
            return NamedRequest(
                AgentRequest(request.operation.on(.pid(pid)), isExplain: request.isExplain, sending: nil),
                heldByPID: process)
        }
        if let identity = process.identity {
            return NamedRequest(
                AgentRequest(request.operation.on(identity.target), isExplain: request.isExplain, sending: nil))
        }
        guard !acceptsPidfd else { return NamedRequest(request) }
        return NamedRequest(
            AgentRequest(request.operation.on(.pid(pid)), isExplain: request.isExplain, sending: nil),
            heldByPID: process)
    }
}

/// The naming of one connection, once the agent was asked.
final class KnownNaming: Sendable {
    private let rawValue = Atomic<UInt8>(0)

    /// nil before the first request about another process.
    var value: ProcessNaming? {
        get { ProcessNaming(rawValue: rawValue.load(ordering: .relaxed)) }
        set { rawValue.store(newValue?.rawValue ?? 0, ordering: .relaxed) }
    }
}

/// A request about another process, as it is sent.
struct NamedRequest {
    let request: AgentRequest
    // The process that the request names by its pid alone.
    private let process: PinnedProcess?

    init(_ request: AgentRequest, heldByPID process: PinnedProcess? = nil) {
        self.request = request
        self.process = process
    }

    /// Checks, after the response, that the pid still belonged to the process when the agent used it.
    ///
    /// - Throws: `.noSuchProcess`, or `.targetChanged` if another process may have been changed.
    func requireUnreused() throws(RlimitError) {
        guard let name = endedProcessName else { return }
        guard request.isReadOnly else { throw .endedDuringChange(name) }
        throw .noSuchProcess(name)
    }

    /// Checks, after an error of the agent, that it concerns the process.
    ///
    /// - Throws: `.noSuchProcess`. Other errors than those about the process stay as they are.
    func requireUnreused(after error: RlimitError) throws(RlimitError) {
        switch error.code {
        case .deniedByPolicy, .deniedByKernel, .conflict, .softExceedsHard, .aboveSystemCeiling:
            if let name = endedProcessName { throw .noSuchProcess(name) }
        default: break
        }
    }

    private var endedProcessName: String? {
        guard let process, process.pidfd.hasEnded else { return nil }
        return process.pid.map { "process \($0)" } ?? "the process"
    }
}

extension RlimitError {
    /// The process ended during a change in which the agent could not compare identities.
    fileprivate static func endedDuringChange(_ name: String) -> RlimitError {
        RlimitError(
            .targetChanged, message: "\(name) ended during the call; a later process with its pid may have been changed"
        )
    }
}

/// A call with another request for the same value.
struct NamedCall<Call: AgentCall>: AgentCall {
    let call: Call
    let request: AgentRequest

    var resource: Resource? { call.resource }
    func value(of reply: Reply) -> Call.Value? { call.value(of: reply) }
    func value(of decoded: borrowing DecodedLimits) -> Call.Value? { call.value(of: decoded) }
    func value(of limit: Limit) -> Call.Value? { call.value(of: limit) }
}
