import ArgumentParser

/// The option of the commands that work on one process.
struct ProcessOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The process. Default: the parent of rlimitctl, usually the shell.", valueName: "pid"))
    var pid: Int32?

    func validate() throws {
        if let pid { try Self.validate(pid) }
    }

    /// Rejects a number that is not a process id.
    static func validate(_ pid: Int32) throws {
        if pid <= 0 { throw ValidationError("--pid needs a process id from 1, not \(pid).") }
    }
}
