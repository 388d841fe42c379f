import RlimitModel

/// What rlimitctl's exit status says, in the numbers of sysexits.h and env(1).
enum ExitStatus {
    static let done: Int32 = 0
    static let failed: Int32 = 1
    /// The command line makes no sense (EX_USAGE).
    static let usage: Int32 = 64
    /// No agent that can be trusted answers (EX_UNAVAILABLE).
    static let unreachable: Int32 = 69
    /// Policy or the kernel said no (EX_NOPERM).
    static let denied: Int32 = 77
    /// `run` failed before its command began, whatever the reason.
    static let notRun: Int32 = 125
    /// `run` found its command and could not execute it.
    static let notExecutable: Int32 = 126
    /// `run` did not find its command.
    static let notFound: Int32 = 127
}

extension RlimitError.Code {
    /// The exit status of a command that this ended.
    var exitStatus: Int32 {
        switch self {
        case .deniedByPolicy, .deniedByKernel, .aboveSystemCeiling: ExitStatus.denied
        case .agentUnreachable, .untrustedSocket, .connectionLost: ExitStatus.unreachable
        default: ExitStatus.failed
        }
    }

    /// The same where this came of reading the command line.
    var parsingExitStatus: Int32 {
        switch self {
        case .invalidArgument, .invalidResource, .unsupported: ExitStatus.usage
        default: exitStatus
        }
    }
}
