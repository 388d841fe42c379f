import ArgumentParser
import RlimitClient
import RlimitKernel

/// `rlimitctl run`: raises its own limits, which survive exec, and becomes the command.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a command with other limits than these.",
        usage: "rlimitctl run [--optional] [--socket <path>] [--json] <resource=value> ... [--] <command> [<arg> ...]",
        discussion: """
            Options of run go before the first RESOURCE=VALUE; all after the command's name is the command's. \
            Exit status: the command's own; 125 if it was not started, 126 if it could not be executed, \
            127 if it was not found.
            """)

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Where a limit is refused, or there is no agent, say so and go on without.")
    var optional = false

    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp("What to change, then the command.", valueName: "word"))
    var words: [String] = []

    func run() throws {
        let words = try CommandWords(words)
        let edits = try EditWords.parse(words.edits)
        let client = global.client()
        if optional {
            // One by one, so that what is refused takes nothing else with it.
            for edit in edits { try applyIfGranted(edit, client) }
        } else {
            try apply(edits, client)
        }
        throw Executable.become(lastWords: words.command.count)
    }

    private func apply(_ edits: [Edit], _ client: BlockingLimitClient) throws {
        do throws(RlimitError) {
            for change in try client.apply(edits) { change.notes.forEach(Output.note) }
        } catch {
            throw Refusal(error, of: edits, client, on: .currentProcess).failure
        }
    }

    private func applyIfGranted(_ edit: Edit, _ client: BlockingLimitClient) throws {
        do throws(RlimitError) {
            for change in try client.apply([edit]) { change.notes.forEach(Output.note) }
        } catch {
            guard error.code.isRefusal else { throw Failure(error) }
            Output.note("\(edit.resource.name) stays as it is: \(error.message)")
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
