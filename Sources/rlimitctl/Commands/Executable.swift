import Glibc
import RlimitKernel

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
