import RlimitClient
import RlimitKernel

/// Holds a lease until a signal interrupts rlimitctl or the target ends, and renews it in time.
struct ForegroundLease: ~Copyable {
    private let signals: SignalSource
    private let poller: Poller
    // A restarted agent waits 30 seconds for the holders of leases that lasted as long as a connection. A request is
    // the only way to notice the restart, so requests are more frequent than that.
    private static let interval = Duration.seconds(10)
    private static let intervalWithoutAgent = Duration.seconds(1)

    private enum Token {
        static let signal: UInt64 = 1
        static let process: UInt64 = 2
    }

    /// Blocks the signals that end a program by default, and waits for them from now on.
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

    /// Holds the lease, then releases it. Returns what became of each limit.
    func hold(_ lease: consuming BlockingLimitClient.Lease) throws -> [Restoration] {
        let changes = lease.changes
        do {
            return try renewUntilInterrupted(lease)
        } catch let error as RlimitError where error.code == .leaseEnded {
            // The agent can notice the end of the target, and end the lease, before the release arrives.
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
                if !isAgentUnreachable { Output.note("\(error.message); retrying until the lease ends") }
                isAgentUnreachable = true
            }
        }
        return try lease.release()
    }

    // False once a signal has arrived or the target has ended.
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
    /// Whether a later renewal can succeed.
    fileprivate var isTransient: Bool {
        switch code {
        case .agentUnreachable, .connectionLost, .deadlineExceeded, .rateLimited, .quotaExceeded: true
        default: false
        }
    }
}
