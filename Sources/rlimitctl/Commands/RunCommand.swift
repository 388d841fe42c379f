import ArgumentParser
import Glibc
import RlimitClient
import RlimitKernel

/// `rlimitctl run`: changes its own limits, which survive execve(2), and replaces itself with the command.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a command with changed limits.",
        usage: """
            rlimitctl run [--optional] [--lease [<time>]] [--preload] [--socket <path>] [--json] [<resource=value> ...] \
            [--] <command> [<arg> ...]
            """,
        discussion: """
            Options of run come before the first RESOURCE=VALUE. Everything after the command's name belongs to the \
            command. The exit status is that of the command; 125 if it was not started, 126 if it could not be \
            executed, 127 if it was not found.

            With --lease and a time, the limits are restored after that time, even if the command still runs. Without \
            a time, they are restored when the command and all processes that it started have ended or have closed the \
            descriptor of the connection to the agent.

            With --preload, the command and the processes that it starts can raise their limits while they run: a \
            library in them asks the agent when the kernel refuses setrlimit(2) or prlimit(2). The command must be \
            linked dynamically and must not be setuid.
            """)

    @OptionGroup var global: GlobalOptions

    @Flag(help: "If a limit is refused or no agent answers, print a message and continue without that limit.")
    var optional = false

    @Option(
        help: ArgumentHelp(
            "Restore the limits after this time, such as 10m; without a time, when the command ends.",
            valueName: "time"))
    var lease: String?

    @Flag(help: "Load the library that asks the agent whenever the kernel refuses the command setrlimit(2).")
    var preload = false

    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp("The edits, then the command and its arguments.", valueName: "argument"))
    var arguments: [String] = []

    func run() throws {
        let arguments = try RunArguments(arguments, mayHaveNoEdits: preload)
        let library = preload ? try PreloadedLibrary.installed() : nil
        let edits = try EditArguments.parse(arguments.edits)
        let lease = try lease.map { text throws(UsageError) in try RunLease(parsing: text) }
        let client = global.client()
        var isGranted = !edits.isEmpty
        if edits.isEmpty {
            if lease != nil { throw UsageError("--lease needs at least one RESOURCE=VALUE, such as memlock=1G") }
        } else if optional {
            // One request for each edit, so that a refused edit does not prevent the others.
            isGranted = try edits.filter { edit in try applyIfAllowed(edit, lease, client) }.count > 0
        } else {
            do throws(RlimitError) {
                try apply(edits, lease, client)
            } catch {
                throw Refusal(error, of: edits, client, on: .currentProcess).failure
            }
        }
        if isGranted { try lease?.keepAcrossExec(client) }
        try library?.addToEnvironment(socket: global.socket)
        throw Self.replaceProcess(lastArguments: arguments.command.count)
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
            guard error.code.isOptional else { throw Failure(error) }
            Output.note("\(edit.resource.name) stays as it is: \(error.message)")
            return false
        }
    }

    /// Replaces this program with the last `count` arguments of its command line, as a command found in PATH. Takes the
    /// bytes of argv, because an argument need not be UTF-8. Returns only on failure. execvp(3)
    private static func replaceProcess(lastArguments count: Int) -> Failure {
        let first = Int(CommandLine.argc) - count
        // argv is valid until exit and ends with a null pointer.
        let tail = unsafe CommandLine.unsafeArgv + first
        guard let file = unsafe tail.pointee else { return Failure("no command", status: ExitStatus.notRun) }
        _ = unsafe execvp(file, tail)
        let error = SystemError(number: errno, call: "execvp")
        let name = unsafe String(cString: file)
        let status = error.number == ENOENT ? ExitStatus.notFound : ExitStatus.notExecutable
        return Failure("cannot run \"\(name)\": \(error)", status: status)
    }
}

extension RlimitError.Code {
    /// Whether --optional continues after this error. An edit that is itself invalid ends the run.
    fileprivate var isOptional: Bool {
        switch self {
        case .invalidArgument, .invalidResource, .softExceedsHard: false
        default: true
        }
    }
}
