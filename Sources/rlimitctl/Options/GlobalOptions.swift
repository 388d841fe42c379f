import ArgumentParser
import RlimitClient

/// What every command takes, before or after its name.
struct GlobalOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The agent's socket.",
            discussion: "Else RLIMITD_SOCKET, else /run/rlimitd/rlimitd.sock.",
            valueName: "path"),
        completion: .file())
    var socket: String?

    @Flag(help: "Print one JSON object on one line.")
    var json = false

    /// The socket that was named, or that RLIMITD_SOCKET names, or the usual one.
    var agentSocket: AgentSocket { socket.map { AgentSocket(path: $0) } ?? .standard }

    /// A client of the agent at that socket. It connects when it must.
    func client(agentOnly: Bool = false) -> BlockingLimitClient {
        BlockingLimitClient(socket: agentSocket, strategy: agentOnly ? .agentOnly : .kernelFirst)
    }

    func validate() throws {
        if socket == "" { throw ValidationError("--socket needs a path.") }
    }
}

/// Of the commands that ask the kernel first.
struct AgentOption: ParsableArguments {
    @Flag(name: .customLong("agent"), help: "Ask the agent alone, not the kernel first.")
    var only = false
}
