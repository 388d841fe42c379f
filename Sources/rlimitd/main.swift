import ArgumentParser
import RlimitAgent

/// `rlimitd`: reads the command line, and hands over.
struct Rlimitd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rlimitd",
        abstract: "Gets and sets resource limits for processes that may not do it themselves, under a policy.",
        discussion: """
            It holds one capability, CAP_SYS_RESOURCE, and runs as a user of its own. SIGHUP reads the policy again; \
            SIGTERM answers what has been asked and stops. Started by systemd it takes the socket it is handed.
            """,
        version: agentVersion)

    @Option(help: ArgumentHelp("The socket to listen on; its folder is made where missing.", valueName: "path"))
    var socket = AgentOptions.standardSocket

    @Option(
        help: ArgumentHelp(
            "The policy file, to which policy.d beside it belongs.",
            discussion: "Else /etc/rlimitd/policy.toml and its drop-ins.", valueName: "file"))
    var policy: String?

    @Option(
        name: .customLong("state-dir"),
        help: ArgumentHelp("What must survive a restart; owned by the agent's user, 0700.", valueName: "path"))
    var stateDirectory = AgentOptions.standardStateDirectory

    @Option(help: "The user to become, by name or as UID:GID.")
    var user = "rlimitd"

    @Option(help: ArgumentHelp("How log lines are written.", valueName: "format"))
    var logFormat = LogFormat.text

    @Option(
        help: ArgumentHelp(
            "The least important messages to log: \(AgentOptions.logLevels). The audit is always logged.",
            discussion: "Else \(AgentOptions.standardLogLevel).", valueName: "level"),
        transform: AgentOptions.logLevel(named:))
    var logLevel = AgentOptions.standardLogLevel

    @Flag(help: "Read the policy, say what is wrong with it, and stop.")
    var check = false

    @Flag(help: "Start without CAP_SYS_RESOURCE too, and serve what the kernel still allows.")
    var allowNoCapability = false

    @Flag(help: "Start in a child user namespace too, where hard limits cannot be raised.")
    var allowUserNamespace = false

    func run() throws {
        let options = AgentOptions(
            socket: socket, policy: policy, stateDirectory: stateDirectory, user: user, logFormat: logFormat,
            logLevel: logLevel, allowsNoCapability: allowNoCapability, allowsUserNamespace: allowUserNamespace)
        do {
            if check { return print(try options.checkPolicy()) }
            var agent = try options.start()
            try agent.run()
        } catch {
            // One line for each thing that is wrong: a policy file can have several.
            for line in "\(error)".split(separator: "\n") { AgentOptions.complain("rlimitd: \(line)") }
            throw ExitCode.failure
        }
    }
}

extension LogFormat: ExpressibleByArgument {}

Rlimitd.main()
