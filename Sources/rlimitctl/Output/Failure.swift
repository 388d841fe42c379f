import RlimitModel

/// Why a command ends without having done its work: a sentence, what may be done about it, and the exit status.
struct Failure: Error {
    /// One sentence.
    var message: String
    /// Lines below it that help: a rule to paste.
    var advice = ""
    var status: Int32
    /// The members of the `error` object in JSON, without the exit status.
    var members: [(String, JSON)]
    /// What JSON says before the `error` object.
    var context: [(String, JSON)] = []

    init(_ error: RlimitError, status: Int32? = nil) {
        message = error.message
        self.status = status ?? error.code.exitStatus
        members = JSON.members(of: error)
    }

    init(_ error: UsageError) {
        self.init(error.description, status: ExitStatus.usage, code: "usage")
    }

    /// A failure of the tool's own.
    init(_ message: String, status: Int32 = ExitStatus.failed, code: String = "failed") {
        self.message = message
        self.status = status
        members = [("code", .string(code)), ("message", .string(message))]
    }

    /// `{"error":{"code":...,"exit":77}}`
    var json: JSON { .object(context + [("error", .object(members + [("exit", .integer(Int(status)))]))]) }
}

/// A command line that makes no sense, in one sentence.
struct UsageError: Error, Equatable, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
