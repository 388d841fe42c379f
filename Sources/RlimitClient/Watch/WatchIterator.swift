import RlimitKernel
import RlimitModel

/// The state of one loop over a `Watch`. Between two events it holds only its process.
final class WatchIterator {
    private let configuration: WatchConfiguration
    private let target: Target
    private let waiter = WatchWaiter()
    private var schedule: SamplingSchedule
    private var process: WatchedProcess?
    private var isFinished = false
    private var events = PendingEvents<LimitClient.Watch.Event>()

    init(_ configuration: WatchConfiguration, _ target: Target) {
        self.configuration = configuration
        self.target = target
        schedule = SamplingSchedule(configuration)
    }

    func next(isolation actor: isolated (any Actor)?) async throws(RlimitError) -> LimitClient.Watch.Event? {
        do throws(RlimitError) {
            while !isFinished, events.isEmpty {
                events.removeAll()
                try await advance(isolation: actor)
            }
        } catch {
            finish()
            throw error
        }
        return events.next()
    }

    private func advance(isolation actor: isolated (any Actor)?) async throws(RlimitError) {
        if Task.isCancelled { throw .cancelledWatch }
        guard let process else { return try await start(isolation: actor) }
        let exitedTokens = try await WatchScheduler.forWatching().wait(waiter, until: schedule.due)
        if Task.isCancelled { throw .cancelledWatch }
        guard exitedTokens.isEmpty else { return finishExited() }
        schedule.advance()
        do throws(RlimitError) {
            events.append(contentsOf: try await process.sample())
        } catch  where error.code == .noSuchProcess {
            finishExited()
        }
    }

    private func start(isolation actor: isolated (any Actor)?) async throws(RlimitError) {
        try configuration.check()
        let process = try WatchedProcess(target, configuration, try WatchScheduler.forWatching(), waiter)
        schedule.advance()
        events.append(contentsOf: try await process.sample())
        self.process = process
    }

    private func finishExited() {
        finish()
        events.append(.exited)
    }

    private func finish() {
        isFinished = true
        process = nil
    }
}

extension RlimitError {
    static var cancelledWatch: RlimitError {
        RlimitError(.cancelled, message: "the task was cancelled during a watch")
    }
}
