import ArgumentParser
import RlimitModel

/// One run of the tool: its words, what came of them, and the exit status that says so.
struct Invocation {
    private let words: [String]

    init(_ words: [String]) { self.words = Arguments.insertingTerminator(words) }

    /// Parses, runs and reports.
    func run() -> Int32 {
        do {
            try requireKnownCommand()
            var command = try Rlimitctl.parseAsRoot(words)
            try command.run()
            return ExitStatus.done
        } catch let failure as Failure {
            return report(failure)
        } catch let error as UsageError {
            return report(Failure(error))
        } catch let error as RlimitError {
            return report(Failure(error))
        } catch {
            return reportOfParser(error)
        }
    }

    private func report(_ failure: Failure) -> Int32 {
        var failure = failure
        // Of run, whose command may end with any status of its own, all that went wrong before it has one number.
        if isRun, failure.status < ExitStatus.notRun { failure.status = ExitStatus.notRun }
        Output.note(failure.message.forTerminal)
        if wantsJSON {
            try? Output.print(failure.json)
        } else {
            Output.writeToErrorOutput(failure.advice)
        }
        return failure.status
    }

    // Help, completions and the complaints of the argument parser.
    private func reportOfParser(_ error: any Error) -> Int32 {
        if let status = error as? ExitCode { return status.rawValue }
        guard Rlimitctl.exitCode(for: error) != .success else {
            try? Output.print(Rlimitctl.fullMessage(for: error) + "\n")
            return ExitStatus.done
        }
        let sentence = Rlimitctl.message(for: error).split(separator: "\n").joined(separator: " ")
        return report(Failure(UsageError("\(sentence.trimmedOfPeriod); see \"\(helpCommand)\"")))
    }

    private func requireKnownCommand() throws(UsageError) {
        guard let index = Arguments.subcommandIndex(words), words[index] != "help" else { return }
        try requireKnown(words[index], of: Rlimitctl.self, "rlimitctl")
        // Of commands that have commands of their own.
        guard let group = Rlimitctl.configuration.subcommands.first(where: { $0.name == words[index] }),
            !group.configuration.subcommands.isEmpty,
            let second = Arguments.subcommandIndex(Array(words[(index + 1)...])).map({ words[index + 1 + $0] })
        else { return }
        try requireKnown(second, of: group, "rlimitctl \(words[index])")
    }

    private func requireKnown(
        _ word: String, of command: any ParsableCommand.Type, _ name: String
    ) throws(UsageError) {
        let known = command.configuration.subcommands.compactMap { $0.name }
        guard !known.contains(word) else { return }
        let closest = known.min { editDistance($0, word) < editDistance($1, word) }
        let isClose = closest.map { editDistance($0, word) <= 2 } ?? false
        let hint = isClose ? closest.map { "did you mean \"\($0)\"?" } : nil
        throw UsageError("there is no command \"\(word)\"; " + (hint ?? "see \"\(name) --help\""))
    }

    private static let commands = Rlimitctl.configuration.subcommands.compactMap { $0.name }

    private var subcommand: String? { Arguments.subcommandIndex(words).map { words[$0] } }
    private var isRun: Bool { subcommand == "run" }

    private var helpCommand: String {
        guard let subcommand, Self.commands.contains(subcommand) else { return "rlimitctl --help" }
        return "rlimitctl \(subcommand) --help"
    }

    // The words of a command line that could not be parsed; nothing after "--" is ours.
    private var wantsJSON: Bool { words.prefix { $0 != "--" }.contains("--json") }
}

extension ParsableCommand {
    fileprivate static var name: String? { configuration.commandName }
}

extension String {
    fileprivate var trimmedOfPeriod: String { hasSuffix(".") ? String(dropLast()) : self }
}
