/// Prepares the command line for the argument parser.
enum Arguments {
    /// Inserts `--` before the first argument of `run` that is not an option of `run`. The parser then does not take an
    /// option of the command for one of rlimitctl: `run nofile=65536 ls --json`.
    static func insertingTerminator(_ arguments: [String]) -> [String] {
        guard let run = subcommandIndex(arguments), arguments[run] == "run" else { return arguments }
        var index = arguments.index(after: run)
        var arguments = arguments
        while index < arguments.endIndex, arguments[index].hasPrefix("-"), arguments[index] != "--" {
            if arguments[index] == "--lease", !isTime(arguments[(index + 1)...].first) {
                arguments[index] += "=" + RunLease.whileRunning
            }
            index += takesValue(arguments[index]) || arguments[index] == "--lease" ? 2 : 1
        }
        guard index < arguments.endIndex, arguments[index] != "--" else { return arguments }
        return arguments[..<index] + ["--"] + arguments[index...]
    }

    // The time of `run --lease` is optional. An edit or an option after it is not a time.
    private static func isTime(_ argument: String?) -> Bool {
        guard let argument else { return false }
        return !argument.contains("=") && !argument.hasPrefix("-")
    }

    /// The index of the subcommand's name: the first argument that is neither an option nor the value of one.
    static func subcommandIndex(_ arguments: [String]) -> Int? {
        var index = arguments.startIndex
        while index < arguments.endIndex {
            guard arguments[index].hasPrefix("-") else { return index }
            index += takesValue(arguments[index]) ? 2 : 1
        }
        return nil
    }

    // Options with a value that can stand before the name or the arguments of a command.
    private static func takesValue(_ argument: String) -> Bool {
        argument == "--socket" || argument == "--generate-completion-script"
    }
}
