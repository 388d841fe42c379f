@unsafe @preconcurrency import CGetopt
import Glibc
import RlimitAgent

/// The command line of `rlimitd`, read by getopt_long(3): a parser in Swift brings more into memory than the agent itself.
struct CommandLineOptions {
    /// What is wrong was said on standard error already.
    struct UsageError: Error {}

    var agent = AgentOptions()
    /// Only read the policy.
    var checksPolicy = false
    /// What to print instead of anything else.
    var answer: String?

    /// - Throws: `UsageError`; whatever an option finds wrong with its value.
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

/// What main(3) got.
@safe struct CommandLineArguments: ~Copyable {
    let count = CommandLine.argc
    let values = unsafe CommandLine.unsafeArgv
}

extension CommandLineOptions {
    private struct OptionSpec: Sendable {
        let name: OptionName
        /// What stands for the value in the help; nil where it takes none.
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
        OptionSpec("socket", "PATH", "listen here; the folder is made where missing (\(AgentOptions.standardSocket))") {
            $0.agent.socket = $1
        },
        OptionSpec("policy", "FILE", "the policy file, to which policy.d beside it belongs (/etc/rlimitd/policy.toml)")
        {
            $0.agent.policy = $1
        },
        OptionSpec("state-dir", "PATH", "what must survive a restart (\(AgentOptions.standardStateDirectory))") {
            $0.agent.stateDirectory = $1
        },
        OptionSpec("user", "NAME", "the user to become, by name or as UID:GID (rlimitd)") { $0.agent.user = $1 },
        OptionSpec("log-format", "FORMAT", "how log lines are written: \(AgentOptions.logFormats) (text)") {
            $0.agent.logFormat = try AgentOptions.logFormat(named: $1)
        },
        OptionSpec(
            "log-level", "LEVEL",
            "the least important messages to log: \(AgentOptions.logLevels) (\(AgentOptions.standardLogLevel))"
        ) { $0.agent.logLevel = try AgentOptions.logLevel(named: $1) },
        OptionSpec(
            "busy-poll", "MICROSECONDS", "look for requests that long before sleeping, while that pays (0: never)"
        ) {
            $0.agent.busyPoll = try AgentOptions.busyPoll(parsing: $1)
        },
        OptionSpec("check", nil, "read the policy, say what is wrong with it, and stop") { options, _ in
            options.checksPolicy = true
        },
        OptionSpec(
            "allow-no-capability", nil, "start without CAP_SYS_RESOURCE too, and serve what the kernel still allows"
        ) {
            options, _ in options.agent.allowsNoCapability = true
        },
        OptionSpec(
            "allow-user-namespace", nil, "start in a child user namespace too, where hard limits cannot be raised"
        ) {
            options, _ in options.agent.allowsUserNamespace = true
        },
        OptionSpec("version", nil, "say which version this is") { options, _ in options.answer = agentVersion },
        OptionSpec("help", nil, "say this") { options, _ in options.answer = help },
    ]

    private static var help: String {
        let options = known.map { known in
            "  --\(known.name)\(known.value.map { " \($0)" } ?? "")\n        \(known.help)"
        }
        return """
            Usage: rlimitd [OPTION...]
            Gets and sets resource limits for processes that may not do it themselves, under a policy.

            It holds one capability, CAP_SYS_RESOURCE, and runs as a user of its own. SIGHUP reads the policy again;
            SIGTERM answers what has been asked and stops. Started by systemd it takes the socket it is handed.

            \(options.joined(separator: "\n"))
            """
    }
}

/// A name that C may keep a pointer to.
private struct OptionName: Sendable, CustomStringConvertible {
    private let text: StaticString
    init(_ text: StaticString) { self.text = text }

    var pointer: UnsafePointer<CChar> { unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self) }
    var description: String { text.description }
}

extension Array {
    fileprivate func at(_ place: Int) -> Element? { indices.contains(place) ? self[place] : nil }
}
