import Foundation
import ControlledProcesses
import RlimitModel

/// A puppet that is connected to an agent, and asks it things.
final class ConnectedProcess {
    let process: ControlledProcess
    let connection: RawConnection

    init(_ process: ControlledProcess, _ agent: AgentProcess, boundTo name: [UInt8] = []) throws {
        self.process = process
        connection = RawConnection(owning: try process.connect(to: agent.socket, boundTo: name))
    }

    /// What the agent says of whoever connected.
    func callerInfo() throws -> AgentInfo.Caller {
        guard case .success(.serverInfo(let info)) = try ask(.serverInfo) else {
            throw ChildProcess.Failure(description: "server_info is not answered")
        }
        return info.caller
    }

    /// nil where the agent closes the connection instead.
    func ask(_ operation: Request.Operation) throws -> Result<Reply, RlimitError>? {
        try connection.send(try RequestBytes.frame(operation))
        return try connection.decodedResponse()?.outcome
    }

    /// The open files of a process, or why they are not told; nil where the connection was closed.
    func openFiles(of whom: Request.Target) throws -> Result<Limit, RlimitError>? {
        try ask(.get(whom, ResourceSet([.openFiles])))?.map { reply in
            if case .limits(_, let limits) = reply { limits[.openFiles] } else { Limit(0) }
        }
    }

    /// Asks to move the soft limit of open files up to this.
    func raiseOpenFiles(of whom: Request.Target, to soft: Limit.Bound) throws -> Result<Reply, RlimitError>? {
        try ask(.set(whom, EditBatch([NumericEdit(.openFiles, soft: soft, mode: .atLeast)]), lease: nil))
    }
}

extension Account {
    /// All six ids.
    var ids: Credentials { Credentials(uid: uid, gid: gid) }
}

extension Result where Failure == RlimitError {
    /// Why not; nil where it was granted.
    var refusal: RlimitError.Code? {
        if case .failure(let error) = self { error.code } else { nil }
    }

    /// Refused for who the process is; by the kernel where the agent has no capability itself.
    var isRefused: Bool { [.deniedByPolicy, .deniedByKernel, .noSuchProcess].contains(refusal) }
}
