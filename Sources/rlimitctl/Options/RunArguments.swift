/// What follows the options of `run`: edits, then the command with its own words, untouched.
struct RunArguments: Equatable {
    var edits: [String]
    var command: [String]

    /// Splits `RESOURCE=VALUE... [--] COMMAND [ARG...]`. The command is the first word without `=`, or what follows the
    /// first `--`; nothing after it is looked at. There may be no edits where something else is to be done.
    init(_ words: [String], mayHaveNoEdits: Bool = false) throws(UsageError) {
        let end = words.firstIndex { !$0.contains("=") || $0.hasPrefix("-") } ?? words.endIndex
        edits = Array(words[..<end])
        var rest = words[end...]
        if rest.first == "--" {
            rest = rest.dropFirst()
        } else if let word = rest.first, word.hasPrefix("-"), word != "-" {
            throw UsageError(
                "\"\(word.forTerminal)\" after RESOURCE=VALUE is neither; options of run go before, and \"--\" before a command with a dash"
            )
        }
        command = Array(rest)
        guard mayHaveNoEdits || !edits.isEmpty else {
            throw UsageError("run needs at least one RESOURCE=VALUE, such as nofile=65536")
        }
        guard !command.isEmpty else {
            throw UsageError("run needs a command after \(edits.isEmpty ? "its options" : "RESOURCE=VALUE")")
        }
    }
}

/// The words of the command line before they are parsed.
enum Arguments {
    /// Puts a `--` before the first word of `run` that is no option of its own, so that nothing of the command's is
    /// mistaken for an option of ours: `run nofile=65536 ls --json`.
    static func insertingTerminator(_ words: [String]) -> [String] {
        guard let run = subcommandIndex(words), words[run] == "run" else { return words }
        var index = words.index(after: run)
        var words = words
        while index < words.endIndex, words[index].hasPrefix("-"), words[index] != "--" {
            if words[index] == "--lease", !isTime(words[(index + 1)...].first) {
                words[index] += "=" + RunLease.whileRunning
            }
            index += takesValue(words[index]) || words[index] == "--lease" ? 2 : 1
        }
        guard index < words.endIndex, words[index] != "--" else { return words }
        return words[..<index] + ["--"] + words[index...]
    }

    // What follows `--lease` of `run` is its time, unless it is what comes next.
    private static func isTime(_ word: String?) -> Bool {
        guard let word else { return false }
        return !word.contains("=") && !word.hasPrefix("-")
    }

    /// Where the name of the subcommand is: the first word that is no option and no option's value.
    static func subcommandIndex(_ words: [String]) -> Int? {
        var index = words.startIndex
        while index < words.endIndex {
            guard words[index].hasPrefix("-") else { return index }
            index += takesValue(words[index]) ? 2 : 1
        }
        return nil
    }

    // Of the options that may stand before a command's name or words, these take a value.
    private static func takesValue(_ word: String) -> Bool {
        word == "--socket" || word == "--generate-completion-script"
    }
}
