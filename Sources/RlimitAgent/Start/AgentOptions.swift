package import Logging
import RlimitConfinement
import RlimitKernel
import RlimitPolicy
package import RlimitPolicyFile

/// The options of the command line.
package struct AgentOptions: Sendable {
    package static let standardSocket = "/run/rlimitd/rlimitd.sock"
    package static let standardStateDirectory = "/run/rlimitd-state"
    package static let standardLogLevel = Logger.Level.info
    /// The values of `logLevel(named:)`.
    package static let logLevels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")

    /// The values of `logFormat(named:)`.
    package static let logFormats = LogFormat.allCases.map(\.rawValue).joined(separator: ", ")
    /// The maximum of `busyPoll`.
    private static let maxBusyPollMicroseconds = 1000

    package static func logLevel(named name: String) throws(OptionError) -> Logger.Level {
        guard let level = Logger.Level(rawValue: name) else {
            throw OptionError("unknown log level \"\(name)\"; there are \(logLevels)")
        }
        return level
    }

    package static func logFormat(named name: String) throws(OptionError) -> LogFormat {
        guard let format = LogFormat(rawValue: name) else {
            throw OptionError("unknown log format \"\(name)\"; there are \(logFormats)")
        }
        return format
    }

    package static func busyPoll(parsing text: String) throws(OptionError) -> Duration {
        guard let microseconds = Int(text), (0...maxBusyPollMicroseconds).contains(microseconds) else {
            throw OptionError("--busy-poll takes microseconds, 0 to \(maxBusyPollMicroseconds), and not \"\(text)\"")
        }
        return .microseconds(microseconds)
    }

    package var socket: String
    /// nil: the standard policy file, if it exists.
    package var policy: String?
    package var stateDirectory: String
    /// A name, or UID:GID.
    package var user: String
    package var logFormat: LogFormat
    package var logLevel: Logger.Level
    package var allowsNoCapability: Bool
    package var allowsUserNamespace: Bool
    package var allowsPIDNamespace: Bool
    package var allowsCgroupNamespace: Bool
    /// How long the event loop polls for requests before it sleeps, while that pays.
    package var busyPoll: Duration

    package init(
        socket: String = standardSocket, policy: String? = nil, stateDirectory: String = standardStateDirectory,
        user: String = "rlimitd", logFormat: LogFormat = .text, logLevel: Logger.Level = standardLogLevel,
        allowsNoCapability: Bool = false, allowsUserNamespace: Bool = false,
        allowsPIDNamespace: Bool = false, allowsCgroupNamespace: Bool = false, busyPoll: Duration = .zero
    ) {
        self.socket = socket
        self.policy = policy
        self.stateDirectory = stateDirectory
        self.user = user
        self.logFormat = logFormat
        self.logLevel = logLevel
        self.allowsNoCapability = allowsNoCapability
        self.allowsUserNamespace = allowsUserNamespace
        self.allowsPIDNamespace = allowsPIDNamespace
        self.allowsCgroupNamespace = allowsCgroupNamespace
        self.busyPoll = busyPoll
    }

    /// Becomes the process that looks up names, if the agent executed this program for that.
    package static func serveAccountLookupsIfRequested() {
        AccountProcess.serveIfRequested(program: CommandLine.arguments.first)
    }

    /// Prints a line on standard error.
    package static func printError(_ line: String) {
        // If standard error is closed, the exit status alone reports the failure.
        try? OwnProcess.write(line + "\n", to: .error)
    }

    /// Occupies the standard streams that are closed, so that no socket of the agent gets the number of one.
    ///
    /// - Returns: False if standard error was closed: the log would be lost.
    package static func occupyStandardStreams() -> Bool { !OwnProcess.occupyStandardStreams().contains(.error) }

    /// Why the agent does not start with standard error closed.
    package static let noErrorOutput = StartupError(
        "standard error is closed, so no change could be logged; to run the agent without a log, start it with 2>/dev/null"
    )

    /// A policy file that is named must exist, and its drop-ins are in `policy.d` beside it.
    var loader: PolicyLoader {
        guard let policy else { return PolicyLoader() }
        let folder = policy.lastIndex(of: "/").map { policy[...$0] } ?? ""
        return PolicyLoader(main: policy, mainIsRequired: true, dropIns: ["\(folder)policy.d"])
    }

    /// The warnings about the policy and a summary of it, one a line.
    package func checkPolicy() throws(PolicyFileError) -> String {
        let loaded = try loader.load()
        return (loaded.warnings.map { "\($0)" } + ["policy is good: \(loaded.policy.summary)"]).joined(separator: "\n")
    }
}

/// An invalid value on the command line, with the valid values.
package struct OptionError: Error, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}
