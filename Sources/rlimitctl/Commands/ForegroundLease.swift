import RlimitClient
import RlimitKernel

/// Holds a lease until somebody interrupts rlimitctl, or the process ends whose limits it raised.
struct ForegroundLease: ~Copyable {
    private let signals: SignalSource
    private let poller: Poller
    // A new agent waits 30 seconds for those whose connection ended with the old one: there is no other way for us to
    // notice it than to ask more often than that.
    private static let interval = Duration.seconds(10)
    private static let intervalWithoutAgent = Duration.seconds(1)

    private enum Token {
        static let signal: UInt64 = 1
        static let process: UInt64 = 2
    }

    /// From now on no signal that asks a program to end ends this one.
    init(of selected: borrowing SelectedProcess) throws {
        let signals = try Self.reportingFailure { () throws(SystemError) in try SignalSource() }
        let poller = try Self.reportingFailure { () throws(SystemError) in try Poller() }
        let signal = signals.descriptor.number
        let process: Int32? = if case .pidfd(let number) = selected.target { number } else { nil }
        try Self.reportingFailure { () throws(SystemError) in
            try poller.add(signal, .readable, token: Token.signal)
            if let process { try poller.add(process, .readable, token: Token.process) }
        }
        self.signals = signals
        self.poller = poller
    }

    private static func reportingFailure<Value: ~Copyable>(_ body: () throws(SystemError) -> Value) throws -> Value {
        do throws(SystemError) { return try body() } catch { throw Failure("cannot wait for signals: \(error)") }
    }

    /// Gives it back when it is over, and says what came of that.
    func hold(_ lease: consuming BlockingLimitClient.Lease) throws -> [Restoration] {
        let changes = lease.changes
        do {
            return try renewUntilInterrupted(lease)
        } catch let error as RlimitError where error.code == .leaseEnded {
            // The agent saw the process end before it was asked.
            guard try hasProcessEnded() else { throw error }
            return changes.map { Restoration($0.resource, .processEnded) }
        }
    }

    private func renewUntilInterrupted(_ lease: consuming BlockingLimitClient.Lease) throws -> [Restoration] {
        var isAgentUnreachable = false
        while true {
            let delay = isAgentUnreachable ? Self.intervalWithoutAgent : Self.interval
            let remaining = lease.expires.map { max(.zero, ($0 - .now) / 2) }
            guard try isQuiet(for: min(delay, remaining ?? delay)) else { break }
            do throws(RlimitError) {
                try lease.renew()
                isAgentUnreachable = false
            } catch {
                guard error.isTransient else { throw error }
                if !isAgentUnreachable { Output.note("\(error.message); trying again until the lease ends") }
                isAgentUnreachable = true
            }
        }
        return try lease.release()
    }

    // False where a signal came or the process has ended.
    private func isQuiet(for delay: Duration) throws -> Bool {
        try Self.reportingFailure { () throws(SystemError) in try poller.wait(timeout: delay) == 0 }
    }

    private func hasProcessEnded() throws -> Bool {
        var hasEnded = false
        _ = try Self.reportingFailure { () throws(SystemError) in
            try poller.wait(timeout: .zero) { if $0.token == Token.process { hasEnded = true } }
        }
        return hasEnded
    }
}

extension RlimitError {
    /// Whether the agent may be there again soon.
    fileprivate var isTransient: Bool {
        switch code {
        case .agentUnreachable, .connectionLost, .deadlineExceeded, .rateLimited, .quotaExceeded: true
        default: false
        }
    }
}
