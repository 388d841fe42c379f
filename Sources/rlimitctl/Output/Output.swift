import RlimitKernel

/// Standard output and standard error.
enum Output {
    /// Writes the whole text to standard output.
    ///
    /// - Throws: `Failure` if the write fails, as on a full disk.
    static func print(_ text: String) throws {
        do throws(SystemError) {
            try OwnProcess.write(text, to: .output)
        } catch {
            throw Failure("cannot write to standard output: \(error)")
        }
    }

    /// Writes a JSON value and a newline to standard output.
    static func print(_ json: JSON) throws { try print(json.text + "\n") }

    /// Writes a sentence to standard error, with the tool's name before it.
    static func note(_ sentence: String) { writeToErrorOutput("rlimitctl: \(sentence)\n") }

    /// Writes text to standard error. Ignores errors, because no other stream can report them.
    static func writeToErrorOutput(_ lines: String) { try? OwnProcess.write(lines, to: .error) }
}

extension String {
    /// The text with control characters escaped. Other users choose the names of rules and processes.
    var forTerminal: String { DisplayText.escaped(self) }
}
