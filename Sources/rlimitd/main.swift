import Glibc
import RlimitAgent

// The agent's executable: reads the command line, and starts the event loop.

/// EX_USAGE of sysexits(3).
private let usageError: Int32 = 64

// Before anything is opened.
private let hasErrorOutput = AgentOptions.occupyStandardStreams()
AgentOptions.serveAccountLookupsIfRequested()
do {
    let options = try CommandLineOptions(CommandLineArguments())
    if let answer = options.answer {
        print(answer)
    } else if options.checksPolicy {
        print(try options.agent.checkPolicy())
    } else if !hasErrorOutput {
        // Nothing else can show the reason.
        print("rlimitd: \(AgentOptions.noErrorOutput)")
        exit(EXIT_FAILURE)
    } else {
        var eventLoop = try options.agent.start()
        try eventLoop.run()
    }
} catch is CommandLineOptions.UsageError {
    AgentOptions.printError("Try 'rlimitd --help' for more information.")
    exit(usageError)
} catch let error as OptionError {
    AgentOptions.printError("rlimitd: \(error)")
    exit(usageError)
} catch {
    // A policy file can have several errors, one a line.
    for line in "\(error)".split(separator: "\n") { AgentOptions.printError("rlimitd: \(line)") }
    exit(EXIT_FAILURE)
}
