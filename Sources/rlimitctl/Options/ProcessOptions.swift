import ArgumentParser

/// Of the commands that speak of a process.
struct ProcessOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Which process. Without it, the one that started rlimitctl: the shell.", valueName: "pid"))
    var pid: Int32?

    func validate() throws {
        if let pid, pid <= 0 { throw ValidationError("--pid needs the number of a process, from 1.") }
    }
}
