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
