import RlimitModel

/// The exit statuses of rlimitctl, with the numbers of sysexits.h and env(1).
enum ExitStatus {
    static let done: Int32 = 0
    static let failed: Int32 = 1
    /// The command line is invalid (EX_USAGE).
    static let usage: Int32 = 64
    /// No trusted agent answers (EX_UNAVAILABLE).
    static let unreachable: Int32 = 69
    /// The policy or the kernel refused (EX_NOPERM).
    static let denied: Int32 = 77
    /// `run` failed before its command started.
    static let notRun: Int32 = 125
    /// `run` could not execute its command.
    static let notExecutable: Int32 = 126
    /// `run` did not find its command.
    static let notFound: Int32 = 127
}

extension RlimitError.Code {
    /// The exit status of a command that fails with this code.
    var exitStatus: Int32 {
        switch self {
        case .deniedByPolicy, .deniedByKernel, .aboveSystemCeiling: ExitStatus.denied
        case .agentUnreachable, .untrustedSocket, .connectionLost: ExitStatus.unreachable
        default: ExitStatus.failed
        }
    }

    /// The exit status if the command line caused the error.
    var parsingExitStatus: Int32 {
        switch self {
        case .invalidArgument, .invalidResource, .unsupported: ExitStatus.usage
        default: exitStatus
        }
    }
}
