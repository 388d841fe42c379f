import RlimitKernel

/// Shows the live table on a terminal until the watches end or a signal arrives. Redraws it after each sample and when
/// the window changes.
struct LiveView: ~Copyable {
    private let mailbox: WatchMailbox
    private let signals: SignalSource
    private let title: (Int) -> String

    private static let terminatingSignals = [
        SignalSource.interrupt, SignalSource.terminate, SignalSource.hangUp, SignalSource.quit,
    ]
    private static let tokens: (signal: UInt64, update: UInt64) = (1, 2)

    /// Blocks the signals. Call it before any thread starts, because a thread inherits the signal mask.
    init(_ table: LiveTable, title: @escaping (Int) -> String) throws {
        let mailbox = try WatchMailbox(table)
        let signals = try Self.signals()
        self.mailbox = mailbox
        self.signals = signals
        self.title = title
    }

    private static func signals() throws -> SignalSource {
        do throws(SystemError) {
            return try SignalSource(
                terminatingSignals + [SignalSource.windowChange, SignalSource.suspend, SignalSource.resume])
        } catch {
            throw Failure("cannot wait for signals: \(error)")
        }
    }

    /// Draws the updates of `body` until it returns.
    consuming func run(_ body: @escaping WatchFeed.Body) throws {
        let mailbox = mailbox
        Task.detached {
            do {
                try await body { mailbox.post($0) }
                mailbox.finish(.success(()))
            } catch {
                mailbox.finish(.failure(error))
            }
        }
        var screen = LiveScreen()
        defer { screen.close() }
        var lastTable: LiveTable?
        let poller = try makePoller()
        try screen.open()
        while true {
            do throws(SystemError) { _ = try poller.wait(timeout: nil) } catch {
                throw Failure("cannot wait: \(error)")
            }
            var mustDraw = false
            while let signal = (try? signals.next()) ?? nil { mustDraw = try handle(signal, &screen) || mustDraw }
            var (table, hasChanges, completion) = mailbox.receive()
            table.title = title(table.processes)
            if hasChanges { lastTable = table }
            if let completion {
                screen.close()
                // Prints the last table below the shell's prompt, where it stays.
                if let lastTable {
                    try Output.print(lines(lastTable, screen, isLast: true).joined(separator: "\n") + "\n")
                }
                return try completion.get()
            }
            if hasChanges || mustDraw, let lastTable { try screen.draw(lines(lastTable, screen)) }
        }
    }

    private func lines(_ table: LiveTable, _ screen: LiveScreen, isLast: Bool = false) -> [String] {
        let size = screen.size
        return table.lines(columns: size.columns, rows: isLast ? .max : size.rows)
    }

    private func makePoller() throws -> Poller {
        do throws(SystemError) {
            let poller = try Poller()
            try poller.add(signals.descriptor.number, .readable, token: Self.tokens.signal)
            try poller.add(mailbox.wakeup.number, .readable, token: Self.tokens.update)
            return poller
        } catch {
            throw Failure("cannot wait for events: \(error)")
        }
    }

    // Returns whether to redraw.
    private func handle(_ signal: Int32, _ screen: inout LiveScreen) throws -> Bool {
        if Self.terminatingSignals.contains(signal) {
            screen.close()
            signals.raiseWithDefaultAction(signal)
        } else if signal == SignalSource.suspend {
            screen.close()
            signals.raiseWithDefaultAction(signal)
            // The default action stops the process. SIGCONT continues it here.
            try screen.open()
        }
        return true
    }
}
