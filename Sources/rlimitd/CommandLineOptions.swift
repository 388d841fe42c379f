@unsafe @preconcurrency import CGetopt
import Glibc
import RlimitAgent

/// The command line of `rlimitd`, read by getopt_long(3): a parser in Swift takes more memory than the agent itself.
struct CommandLineOptions {
    /// The error has been printed on standard error already.
    struct UsageError: Error {}

    var agent = AgentOptions()
    /// Whether to check the policy and exit.
    var checksPolicy = false
    /// The text to print before exiting, for `--help` and `--version`.
    var answer: String?

    /// - Throws: `UsageError`; `OptionError` for an invalid value.
    init(_ arguments: borrowing CommandLineArguments) throws {
        var longOptions = unsafe Self.known.enumerated().map { place, known in
            unsafe option(
                name: known.name.pointer, has_arg: known.value == nil ? no_argument : required_argument, flag: nil,
                val: Int32(place))
        }
        unsafe longOptions.append(option())
        while true {
            let found = unsafe getopt_long(arguments.count, arguments.values, "", longOptions, nil)
            if found == -1 { break }
            guard let known = Self.known.at(Int(found)) else { throw UsageError() }
            try known.apply(&self, unsafe optarg.map { unsafe String(cString: $0) } ?? "")
        }
        if optind < arguments.count {
            let extra = unsafe arguments.values[Int(optind)].map { unsafe String(cString: $0) } ?? ""
            AgentOptions.printError("rlimitd: unexpected argument '\(extra)'")
            throw UsageError()
        }
    }
}

/// The arguments of the process.
@safe struct CommandLineArguments: ~Copyable {
    let count = CommandLine.argc
    let values = unsafe CommandLine.unsafeArgv
}

extension CommandLineOptions {
    private struct OptionSpec: Sendable {
        let name: OptionName
        /// The placeholder of the value in the help; nil if the option takes no value.
        let value: String?
        let help: String
        let apply: @Sendable (inout CommandLineOptions, String) throws -> Void

        init(
            _ name: StaticString, _ value: String? = nil, _ help: String,
            _ apply: @escaping @Sendable (inout CommandLineOptions, String) throws -> Void
        ) {
            self.name = OptionName(name)
            self.value = value
            self.help = help
            self.apply = apply
        }
    }

    private static let known = [
        OptionSpec(
            "socket", "PATH", "the path to listen on; a missing directory is created (\(AgentOptions.standardSocket))"
        ) {
            $0.agent.socket = $1
        },
        OptionSpec("policy", "FILE", "the policy file; policy.d beside it holds drop-ins (/etc/rlimitd/policy.toml)") {
            $0.agent.policy = $1
        },
        OptionSpec(
            "state-dir", "PATH",
            "the directory for state that survives a restart (\(AgentOptions.standardStateDirectory))"
        ) {
            $0.agent.stateDirectory = $1
        },
        OptionSpec("user", "NAME", "the user to run as, by name or as UID:GID (rlimitd)") { $0.agent.user = $1 },
        OptionSpec("log-format", "FORMAT", "the format of log lines: \(AgentOptions.logFormats) (text)") {
            $0.agent.logFormat = try AgentOptions.logFormat(named: $1)
        },
        OptionSpec(
            "log-level", "LEVEL",
            "the lowest level to log: \(AgentOptions.logLevels) (\(AgentOptions.standardLogLevel))"
        ) { $0.agent.logLevel = try AgentOptions.logLevel(named: $1) },
        OptionSpec(
            "busy-poll", "MICROSECONDS", "poll for requests this long before sleeping, while that pays (0: never)"
        ) {
            $0.agent.busyPoll = try AgentOptions.busyPoll(parsing: $1)
        },
        OptionSpec("check", nil, "check the policy, print its errors, and exit") { options, _ in
            options.checksPolicy = true
        },
        OptionSpec(
            "allow-no-capability", nil, "start even without CAP_SYS_RESOURCE, and serve what the kernel still allows"
        ) {
            options, _ in options.agent.allowsNoCapability = true
        },
        OptionSpec(
            "allow-user-namespace", nil, "start even in a child user namespace, where hard limits cannot be raised"
        ) {
            options, _ in options.agent.allowsUserNamespace = true
        },
        OptionSpec(
            "allow-pid-namespace", nil,
            "start even in a PID namespace of its own, and answer callers outside of it only server_info"
        ) {
            options, _ in options.agent.allowsPIDNamespace = true
        },
        OptionSpec(
            "allow-cgroup-namespace", nil,
            "start even in a cgroup namespace of its own, where the cgroups of rules begin at its root"
        ) {
            options, _ in options.agent.allowsCgroupNamespace = true
        },
        OptionSpec("version", nil, "print the version and exit") { options, _ in options.answer = agentVersion },
        OptionSpec("help", nil, "print this help and exit") { options, _ in options.answer = help },
    ]

    private static var help: String {
        let options = known.map { known in
            "  --\(known.name)\(known.value.map { " \($0)" } ?? "")\n        \(known.help)"
        }
        return """
            Usage: rlimitd [OPTION...]
            Gets and sets resource limits on behalf of unprivileged processes, as its policy allows.

            The agent holds one capability, CAP_SYS_RESOURCE, and runs as a user of its own. SIGHUP reloads the policy.
            SIGTERM answers the requests that were sent and stops the agent. Under systemd it uses the socket that
            systemd passes.

            \(options.joined(separator: "\n"))
            """
    }
}

/// An option name with a pointer that stays valid for C.
private struct OptionName: Sendable, CustomStringConvertible {
    private let text: StaticString
    init(_ text: StaticString) { self.text = text }

    var pointer: UnsafePointer<CChar> { unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self) }
    var description: String { text.description }
}

extension Array {
    fileprivate func at(_ place: Int) -> Element? { indices.contains(place) ? self[place] : nil }
}
