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
