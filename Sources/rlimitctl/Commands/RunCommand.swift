import ArgumentParser
import Glibc
import RlimitClient
import RlimitKernel

/// `rlimitctl run`: raises its own limits, which survive exec, and becomes the command.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a command with other limits than these.",
        usage: """
            rlimitctl run [--optional] [--lease [<time>]] [--preload] [--socket <path>] [--json] [<resource=value> ...] \
            [--] <command> [<arg> ...]
            """,
        discussion: """
            Options of run go before the first RESOURCE=VALUE; all after the command's name is the command's. \
            Exit status: the command's own; 125 if it was not started, 126 if it could not be executed, \
            127 if it was not found.

            With --lease the limits go back after this time, even if the command goes on; without a time, once the command \
            and all that it started have ended, or closed the descriptor on which the agent knows of it.

            With --preload the command, and what it starts, may raise limits as it goes: what the kernel refuses it by \
            setrlimit(2) and prlimit(2) the agent is asked for. It must be linked dynamically, and not be setuid.
            """)

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Where a limit is refused, or there is no agent, say so and go on without.")
    var optional = false

    @Option(
        help: ArgumentHelp(
            "Take it back after this time, such as 10m; without a time, when the command has ended.",
            valueName: "time"))
    var lease: String?

    @Flag(help: "Let what the command itself asks of setrlimit(2) be asked of the agent where the kernel refuses.")
    var preload = false

    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp("What to change, then the command.", valueName: "word"))
    var words: [String] = []

    func run() throws {
        let words = try RunArguments(words, mayHaveNoEdits: preload)
        let preloaded = preload ? try PreloadedLibrary.installed() : nil
        let edits = try EditArguments.parse(words.edits)
        let lease = try lease.map { text throws(UsageError) in try RunLease(parsing: text) }
        let client = global.client()
        var isGranted = !edits.isEmpty
        if edits.isEmpty {
            if lease != nil { throw UsageError("--lease needs at least one RESOURCE=VALUE, such as memlock=1G") }
        } else if optional {
            // One by one, so that what is refused takes nothing else with it.
            isGranted = try edits.filter { edit in try applyIfAllowed(edit, lease, client) }.count > 0
        } else {
            do throws(RlimitError) {
                try apply(edits, lease, client)
            } catch {
                throw Refusal(error, of: edits, client, on: .currentProcess).failure
            }
        }
        if isGranted { try lease?.keepAcrossExec(client) }
        try preloaded?.addToEnvironment(socket: global.socket)
        throw Executable.replaceProcess(lastArguments: words.command.count)
    }

    private func apply(_ edits: [Edit], _ lease: RunLease?, _ client: BlockingLimitClient) throws(RlimitError) {
        let changes = if let lease { try lease.apply(edits, client) } else { try client.apply(edits) }
        for change in changes { change.notes.forEach(Output.note) }
    }

    private func applyIfAllowed(_ edit: Edit, _ lease: RunLease?, _ client: BlockingLimitClient) throws -> Bool {
        do throws(RlimitError) {
            try apply([edit], lease, client)
            return true
        } catch {
            guard error.code.isRefusal else { throw Failure(error) }
            Output.note("\(edit.resource.name) stays as it is: \(error.message)")
            return false
        }
    }
}

extension RlimitError.Code {
    /// Whether somebody else said no, or nobody was there to say yes; else the edit itself makes no sense.
    fileprivate var isRefusal: Bool {
        switch self {
        case .invalidArgument, .invalidResource, .softExceedsHard: false
        default: true
        }
    }
}

/// The command that `run` becomes.
enum Executable {
    /// Replaces this program by the last `count` words of the command line, found along PATH, with their bytes as they
    /// came: a word need not be UTF-8. Returns only if that fails (execvp(3)).
    static func replaceProcess(lastArguments count: Int) -> Failure {
        let first = Int(CommandLine.argc) - count
        // argv lives as long as the program and ends with nil, and so does its tail.
        let tail = unsafe CommandLine.unsafeArgv + first
        guard let file = unsafe tail.pointee else { return Failure("no command", status: ExitStatus.notRun) }
        _ = unsafe execvp(file, tail)
        let error = SystemError(number: errno, call: "execvp")
        let name = unsafe String(cString: file)
        let status = error.number == ENOENT ? ExitStatus.notFound : ExitStatus.notExecutable
        return Failure("cannot run \"\(name)\": \(error)", status: status)
    }
}
