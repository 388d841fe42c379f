import ArgumentParser
import RlimitClient

/// Options of every command. They can stand before or after the command's name.
struct GlobalOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The agent's socket.",
            discussion: "Default: the value of RLIMITD_SOCKET, else /run/rlimitd/rlimitd.sock.",
            valueName: "path"),
        completion: .file())
    var socket: String?

    @Flag(help: "Print JSON, one object on each line.")
    var json = false

    /// The socket of --socket, else of RLIMITD_SOCKET, else the standard one.
    var agentSocket: AgentSocket { socket.map { AgentSocket(path: $0) } ?? .standard }

    /// A client of the agent at that socket. It connects with its first request to the agent.
    func client(agentOnly: Bool = false) -> BlockingLimitClient {
        BlockingLimitClient(socket: agentSocket, strategy: agentOnly ? .agentOnly : .kernelFirst)
    }

    func validate() throws {
        if socket == "" { throw ValidationError("--socket needs a path.") }
    }
}

/// The option of the commands that ask the kernel first.
struct AgentOption: ParsableArguments {
    @Flag(name: .customLong("agent"), help: "Send every request to the agent, instead of asking the kernel first.")
    var only = false
}
