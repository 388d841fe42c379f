import Glibc
import RlimitAgent

// `rlimitd`: reads the command line, and hands over.

/// sysexits(3).
private let usageError: Int32 = 64

do {
    let options = try CommandLineOptions(CommandLineArguments())
    if let answer = options.answer {
        print(answer)
    } else if options.isCheck {
        print(try options.agent.checkPolicy())
    } else {
        var agent = try options.agent.start()
        try agent.run()
    }
} catch is CommandLineOptions.Misuse {
    AgentOptions.complain("Try 'rlimitd --help' for more information.")
    exit(usageError)
} catch let error as OptionError {
    AgentOptions.complain("rlimitd: \(error)")
    exit(usageError)
} catch {
    // One line for each thing that is wrong: a policy file can have several.
    for line in "\(error)".split(separator: "\n") { AgentOptions.complain("rlimitd: \(line)") }
    exit(EXIT_FAILURE)
}
