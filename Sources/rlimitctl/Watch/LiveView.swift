import RlimitKernel

/// The live table on a terminal, until it is over or a signal ends it: redrawn after each look, and when the window changes.
struct LiveView: ~Copyable {
    private let board: LiveBoard
    private let signals: SignalSource
    private let title: (Int) -> String

    private static let ending = [
        SignalSource.interrupt, SignalSource.terminate, SignalSource.hangUp, SignalSource.quit,
    ]
    private static let tokens: (signal: UInt64, news: UInt64) = (1, 2)

    /// Before any thread is started: each would take the signals.
    init(_ table: LiveTable, title: @escaping (Int) -> String) throws {
        let board = try LiveBoard(table)
        let signals = try Self.signals()
        self.board = board
        self.signals = signals
        self.title = title
    }

    private static func signals() throws -> SignalSource {
        do throws(SystemError) {
            return try SignalSource(
                ending + [SignalSource.windowChange, SignalSource.suspend, SignalSource.resume])
        } catch {
            throw Failure("cannot wait for signals: \(error)")
        }
    }

    /// Draws what the body tells, until it returns.
    consuming func run(_ body: @escaping WatchFeed.Body) throws {
        let board = board
        Task.detached {
            do {
                try await body { board.take($0) }
                board.end(.success(()))
            } catch {
                board.end(.failure(error))
            }
        }
        var screen = LiveScreen()
        defer { screen.close() }
        var last: LiveTable?
        let poller = try waiting()
        try screen.open()
        while true {
            do throws(SystemError) { _ = try poller.wait(timeout: nil) } catch {
                throw Failure("cannot wait: \(error)")
            }
            var mustDraw = false
            while let signal = (try? signals.next()) ?? nil { mustDraw = try obey(signal, &screen) || mustDraw }
            var (table, isFresh, ending) = board.look()
            table.title = title(table.processes)
            if isFresh { last = table }
            if let ending {
                screen.close()
                // What was last to be seen stays to be read.
                if let last { try Output.print(lines(last, screen, isLast: true).joined(separator: "\n") + "\n") }
                return try ending.get()
            }
            if isFresh || mustDraw, let last { try screen.draw(lines(last, screen)) }
        }
    }

    private func lines(_ table: LiveTable, _ screen: LiveScreen, isLast: Bool = false) -> [String] {
        let size = screen.size
        return table.lines(columns: size.columns, rows: isLast ? .max : size.rows)
    }

    private func waiting() throws -> Poller {
        do throws(SystemError) {
            let poller = try Poller()
            try poller.add(signals.descriptor.number, .readable, token: Self.tokens.signal)
            try poller.add(board.wakeup.number, .readable, token: Self.tokens.news)
            return poller
        } catch {
            throw Failure("cannot wait for events: \(error)")
        }
    }

    // Whether all is to be drawn anew.
    private func obey(_ signal: Int32, _ screen: inout LiveScreen) throws -> Bool {
        if Self.ending.contains(signal) {
            screen.close()
            signals.letHappen(signal)
        } else if signal == SignalSource.suspend {
            screen.close()
            signals.letHappen(signal)
            // Here it goes on.
            try screen.open()
        }
        return true
    }
}
