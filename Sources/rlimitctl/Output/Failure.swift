import RlimitModel

/// The reason why a command failed: a sentence, advice, and the exit status.
struct Failure: Error {
    /// One sentence.
    var message: String
    /// Lines printed after the message: a rule to paste.
    var advice = ""
    var status: Int32
    /// The members of the `error` object in JSON, without the exit status.
    var members: [(String, JSON)]
    /// Members of the JSON object before the `error` object.
    var context: [(String, JSON)] = []

    init(_ error: RlimitError, status: Int32? = nil) {
        message = error.message
        self.status = status ?? error.code.exitStatus
        members = JSON.members(of: error)
    }

    init(_ error: UsageError) {
        self.init(error.description, status: ExitStatus.usage, code: "usage")
    }

    /// A failure that is neither the library's nor the command line's.
    init(_ message: String, status: Int32 = ExitStatus.failed, code: String = "failed") {
        self.message = message
        self.status = status
        members = [("code", .string(code)), ("message", .string(message))]
    }

    /// Parses a value of the command line. An error has the exit status of a usage error where the value is at fault.
    static func ofParsing<Value>(_ parse: () throws(RlimitError) -> Value) throws(Failure) -> Value {
        do throws(RlimitError) { return try parse() } catch {
            throw Failure(error, status: error.code.parsingExitStatus)
        }
    }

    /// `{"error":{"code":...,"exit":77}}`
    var json: JSON { .object(context + [("error", .object(members + [("exit", .integer(Int(status)))]))]) }
}

/// An invalid command line, in one sentence.
struct UsageError: Error, Equatable, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
