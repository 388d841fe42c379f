import RlimitKernel

/// Standard output and standard error, a whole text at a time.
enum Output {
    /// Writes all of it to standard output; a full disk is a failure of the command.
    static func print(_ text: String) throws {
        do throws(SystemError) {
            try OwnProcess.write(text, to: .output)
        } catch {
            throw Failure("cannot write to standard output: \(error)")
        }
    }

    /// One JSON object on a line of its own.
    static func print(_ json: JSON) throws { try print(json.text + "\n") }

    /// A sentence for people, on standard error, with the tool's name before it.
    static func note(_ sentence: String) { writeToErrorOutput("rlimitctl: \(sentence)\n") }

    /// Lines for people on standard error, as they are. Where it is closed there is nobody left to tell.
    static func writeToErrorOutput(_ lines: String) { try? OwnProcess.write(lines, to: .error) }
}

extension String {
    /// This text as a terminal may have it. Names of rules and users are chosen by others.
    var forTerminal: String { DisplayText.escaped(self) }
}
