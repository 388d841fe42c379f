import Foundation
import ControlledProcesses
import RlimitModel

/// A controlled process with a connection to an agent.
final class ConnectedProcess {
    let process: ControlledProcess
    let connection: RawConnection

    init(_ process: ControlledProcess, _ agent: AgentProcess, boundTo name: [UInt8] = []) throws {
        self.process = process
        connection = RawConnection(owning: try process.connect(to: agent.socket, boundTo: name))
    }

    /// The caller's identity as the agent reports it.
    func callerInfo() throws -> AgentInfo.Caller {
        guard case .success(.serverInfo(let info)) = try ask(.serverInfo) else {
            throw ChildProcess.Failure(description: "server_info is not answered")
        }
        return info.caller
    }

    /// Sends a request. Returns nil if the agent closes the connection instead of a response.
    func ask(_ operation: Request.Operation) throws -> Result<Reply, RlimitError>? {
        try connection.send(try RequestBytes.frame(operation))
        return try connection.decodedResponse()?.outcome
    }

    /// The limit of open files of a process, or the error; nil if the agent closed the connection.
    func openFiles(of target: Request.Target) throws -> Result<Limit, RlimitError>? {
        try ask(.get(target, ResourceSet([.openFiles])))?.map { reply in
            if case .limits(_, let limits) = reply { limits[.openFiles] } else { Limit(0) }
        }
    }

    /// Requests a soft limit of open files of at least `soft`.
    func raiseOpenFiles(of target: Request.Target, to soft: Limit.Bound) throws -> Result<Reply, RlimitError>? {
        try ask(.set(target, EditBatch([NumericEdit(.openFiles, soft: soft, mode: .atLeast)]), lease: nil))
    }
}

extension Account {
    /// The account as all six ids of a process.
    var ids: Credentials { Credentials(uid: uid, gid: gid) }
}

extension Result where Failure == RlimitError {
    /// The error code; nil if the request was granted.
    var refusal: RlimitError.Code? {
        if case .failure(let error) = self { error.code } else { nil }
    }

    /// Whether the request was refused because of the process. Without the capability the kernel refuses it for the
    /// agent.
    var isRefused: Bool { [.deniedByPolicy, .deniedByKernel, .noSuchProcess].contains(refusal) }
}
