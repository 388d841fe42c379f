import ArgumentParser
import RlimitModel

/// One run of the tool: parses the command line, runs the command, and reports a failure.
struct Invocation {
    private let arguments: [String]

    init(_ arguments: [String]) { self.arguments = Arguments.insertingTerminator(arguments) }

    /// Runs the command and returns the exit status.
    func run() -> Int32 {
        do {
            try requireKnownCommand()
            var command = try Rlimitctl.parseAsRoot(arguments)
            try command.run()
            return ExitStatus.done
        } catch let failure as Failure {
            return report(failure)
        } catch let error as UsageError {
            return report(Failure(error))
        } catch let error as RlimitError {
            return report(Failure(error))
        } catch {
            return reportParserError(error)
        }
    }

    private func report(_ failure: Failure) -> Int32 {
        var failure = failure
        // The command of "run" can exit with any status, so every failure before it starts has the same one.
        if isRun, failure.status < ExitStatus.notRun { failure.status = ExitStatus.notRun }
        Output.note(failure.message.forTerminal)
        if wantsJSON {
            try? Output.print(failure.json)
        } else {
            Output.writeToErrorOutput(failure.advice)
        }
        return failure.status
    }

    // The argument parser also throws help texts and completion scripts.
    private func reportParserError(_ error: any Error) -> Int32 {
        if let status = error as? ExitCode { return status.rawValue }
        guard Rlimitctl.exitCode(for: error) != .success else {
            try? Output.print(Rlimitctl.fullMessage(for: error) + "\n")
            return ExitStatus.done
        }
        let sentence = Rlimitctl.message(for: error).split(separator: "\n").joined(separator: " ")
        return report(Failure(UsageError("\(sentence.withoutFinalPeriod); see \"\(helpCommand)\"")))
    }

    private func requireKnownCommand() throws(UsageError) {
        guard let index = Arguments.subcommandIndex(arguments), arguments[index] != "help" else { return }
        try requireKnown(arguments[index], of: Rlimitctl.self, "rlimitctl")
        // "leases" and "policy" have subcommands too.
        guard let group = Rlimitctl.configuration.subcommands.first(where: { $0.name == arguments[index] }),
            !group.configuration.subcommands.isEmpty,
            let second = Arguments.subcommandIndex(Array(arguments[(index + 1)...])).map({ arguments[index + 1 + $0] })
        else { return }
        try requireKnown(second, of: group, "rlimitctl \(arguments[index])")
    }

    private func requireKnown(
        _ name: String, of command: any ParsableCommand.Type, _ commandName: String
    ) throws(UsageError) {
        let known = command.configuration.subcommands.compactMap { $0.name }
        guard !known.contains(name) else { return }
        let closest = known.min { editDistance($0, name) < editDistance($1, name) }
        let isClose = closest.map { editDistance($0, name) <= 2 } ?? false
        let hint = isClose ? closest.map { "did you mean \"\($0)\"?" } : nil
        throw UsageError("there is no command \"\(name)\"; " + (hint ?? "see \"\(commandName) --help\""))
    }

    private static let commands = Rlimitctl.configuration.subcommands.compactMap { $0.name }

    private var subcommand: String? { Arguments.subcommandIndex(arguments).map { arguments[$0] } }
    private var isRun: Bool { subcommand == "run" }

    private var helpCommand: String {
        guard let subcommand, Self.commands.contains(subcommand) else { return "rlimitctl --help" }
        return "rlimitctl \(subcommand) --help"
    }

    // Also valid for a command line that does not parse. Arguments after "--" belong to the command of "run".
    private var wantsJSON: Bool { arguments.prefix { $0 != "--" }.contains("--json") }
}

extension ParsableCommand {
    fileprivate static var name: String? { configuration.commandName }
}

extension String {
    fileprivate var withoutFinalPeriod: String { hasSuffix(".") ? String(dropLast()) : self }
}
