import Glibc

/// Standard output and standard error, a whole text at a time.
enum Output {
    /// Writes all of it to standard output; a full disk is a failure of the command.
    static func print(_ text: String) throws { try write(text, to: STDOUT_FILENO) }

    /// One JSON object on a line of its own.
    static func print(_ json: JSON) throws { try print(json.text + "\n") }

    /// A sentence for people, on standard error, with the tool's name before it.
    static func note(_ sentence: String) {
        // Where standard error is gone there is nobody left to tell.
        try? write("rlimitctl: \(sentence)\n", to: STDERR_FILENO)
    }

    /// Lines for people on standard error, as they are.
    static func advise(_ lines: String) { try? write(lines, to: STDERR_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            // The bytes outlive the call, which only reads them.
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw Failure("cannot write to standard output: \(errorText(errno))")
            }
        }
    }

    static func errorText(_ number: Int32) -> String {
        // The C library's own text, which lives as long as the program.
        unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
    }
}
