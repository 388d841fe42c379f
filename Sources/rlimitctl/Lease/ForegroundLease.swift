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
    init(of chosen: borrowing ChosenProcess) throws {
        let signals = try Self.waiting { () throws(SystemError) in try SignalSource() }
        let poller = try Self.waiting { () throws(SystemError) in try Poller() }
        let signal = signals.descriptor.number
        let process: Int32? = if case .pidfd(let number) = chosen.target { number } else { nil }
        try Self.waiting { () throws(SystemError) in
            try poller.add(signal, .readable, token: Token.signal)
            if let process { try poller.add(process, .readable, token: Token.process) }
        }
        self.signals = signals
        self.poller = poller
    }

    private static func waiting<Value: ~Copyable>(_ body: () throws(SystemError) -> Value) throws -> Value {
        do throws(SystemError) { return try body() } catch { throw Failure("cannot wait for signals: \(error)") }
    }

    /// Gives it back when it is over, and says what came of that.
    func hold(_ lease: consuming BlockingLimitClient.Lease) throws -> [Restoration] {
        let changes = lease.changes
        do {
            return try holdUntilOver(lease)
        } catch let error as RlimitError where error.code == .leaseEnded {
            // The agent saw the process end before it was asked.
            guard try hasProcessEnded() else { throw error }
            return changes.map { Restoration($0.resource, .processEnded) }
        }
    }

    private func holdUntilOver(_ lease: consuming BlockingLimitClient.Lease) throws -> [Restoration] {
        var isAway = false
        while true {
            let pause = isAway ? Self.intervalWithoutAgent : Self.interval
            let left = lease.expires.map { max(.zero, ($0 - .now) / 2) }
            guard try isUndisturbed(for: min(pause, left ?? pause)) else { break }
            do throws(RlimitError) {
                try lease.renew()
                isAway = false
            } catch {
                guard error.isAbsence else { throw error }
                if !isAway { Output.note("\(error.message); trying again until the lease ends") }
                isAway = true
            }
        }
        return try lease.release()
    }

    // False where a signal came or the process has ended.
    private func isUndisturbed(for pause: Duration) throws -> Bool {
        try Self.waiting { () throws(SystemError) in try poller.wait(timeout: pause) == 0 }
    }

    private func hasProcessEnded() throws -> Bool {
        var hasEnded = false
        _ = try Self.waiting { () throws(SystemError) in
            try poller.wait(timeout: .zero) { if $0.token == Token.process { hasEnded = true } }
        }
        return hasEnded
    }
}

extension RlimitError {
    /// Whether the agent may be there again soon.
    fileprivate var isAbsence: Bool {
        switch code {
        case .agentUnreachable, .connectionLost, .deadlineExceeded, .rateLimited, .quotaExceeded: true
        default: false
        }
    }
}
