import RlimitKernel
import RlimitModel

/// One loop over a watch: between two events it rests, and holds nothing but its process.
final class WatchCourse {
    private let order: WatchOrder
    private let target: Target
    private let post = LookoutPost()
    private var schedule: LookSchedule
    private var process: WatchedProcess?
    private var isOver = false
    // Of the last look, and how many of them were given out.
    private var events: [LimitClient.Watch.Event] = []
    private var position = 0

    init(_ order: WatchOrder, _ target: Target) {
        self.order = order
        self.target = target
        schedule = LookSchedule(order)
    }

    func next(isolation actor: isolated (any Actor)?) async throws(RlimitError) -> LimitClient.Watch.Event? {
        do throws(RlimitError) {
            while !isOver, position == events.count {
                (events, position) = ([], 0)
                try await goOn(isolation: actor)
            }
        } catch {
            end()
            throw error
        }
        guard position < events.count else { return nil }
        defer { position += 1 }
        return events[position]
    }

    private func goOn(isolation actor: isolated (any Actor)?) async throws(RlimitError) {
        if Task.isCancelled { throw .cancelledWatch }
        guard let process else { return try await begin(isolation: actor) }
        let ended = try await Lookout.forWatches().rest(post, until: schedule.due)
        if Task.isCancelled { throw .cancelledWatch }
        guard ended.isEmpty else { return exit() }
        schedule.begin()
        do throws(RlimitError) {
            events = try await process.look()
        } catch  where error.code == .noSuchProcess {
            exit()
        }
    }

    private func begin(isolation actor: isolated (any Actor)?) async throws(RlimitError) {
        try order.check()
        let process = try WatchedProcess(target, order, try Lookout.forWatches(), post)
        schedule.begin()
        events = try await process.look()
        self.process = process
    }

    private func exit() {
        end()
        events = [.exited]
    }

    private func end() {
        isOver = true
        process = nil
    }
}

extension Lookout {
    /// - Throws: `.internalError` with EMFILE and the like.
    static func forWatches() throws(RlimitError) -> Lookout {
        do throws(SystemError) { return try ofThisProcess() } catch { throw RlimitError(error, about: "a watch") }
    }
}

extension RlimitError {
    static var cancelledWatch: RlimitError {
        RlimitError(.cancelled, message: "the task was cancelled while it watched")
    }
}
