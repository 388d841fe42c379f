/// The arguments of `run` after its options: the edits, then the command with its arguments, unchanged.
struct RunArguments: Equatable {
    var edits: [String]
    var command: [String]

    /// Splits `RESOURCE=VALUE... [--] COMMAND [ARG...]`.
    ///
    /// The command is the first argument without `=`, or what follows the first `--`. Arguments after it are not
    /// parsed.
    ///
    /// - Parameter mayHaveNoEdits: Whether a command without edits is valid, as with --preload.
    init(_ arguments: [String], mayHaveNoEdits: Bool = false) throws(UsageError) {
        let end = arguments.firstIndex { !$0.contains("=") || $0.hasPrefix("-") } ?? arguments.endIndex
        edits = Array(arguments[..<end])
        var rest = arguments[end...]
        if rest.first == "--" {
            rest = rest.dropFirst()
        } else if let argument = rest.first, argument.hasPrefix("-"), argument != "-" {
            throw UsageError(
                """
                "\(argument.forTerminal)" is neither RESOURCE=VALUE nor a command; put options of run before \
                RESOURCE=VALUE, and "--" before a command that begins with "-"
                """)
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
