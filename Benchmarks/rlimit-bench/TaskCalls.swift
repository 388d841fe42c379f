import Dispatch
import RlimitClient
import RlimitKernel
import Synchronization

/// Calls from some tasks at once, through the asynchronous client and its one connection.
struct TaskCalls: Sendable {
    let client: LimitClient
    let work: Work

    /// Waits for the tasks; from outside of any.
    func measure(_ plan: Plan) throws -> Recorder {
        let box = Box()
        let isDone = DispatchSemaphore(value: 0)
        Task {
            let result: Result<Recorder, any Error>
            do {
                result = .success(try await run(plan))
            } catch {
                result = .failure(error)
            }
            box.outcome.withLock { $0 = result }
            isDone.signal()
        }
        isDone.wait()
        guard let outcome = box.outcome.withLock({ $0 }) else { throw BenchmarkFailure("nothing was recorded") }
        return try outcome.get()
    }

    private final class Box: Sendable {
        let outcome = Mutex<Result<Recorder, any Error>?>(nil)
    }

    private func run(_ plan: Plan) async throws -> Recorder {
        guard plan.prefersExecutor else { return try await runLanes(plan) }
        return try await withTaskExecutorPreference(LimitClient.executor) { try await runLanes(plan) }
    }

    private func runLanes(_ plan: Plan) async throws -> Recorder {
        for turn in 0..<plan.warmup { _ = try await work.perform(turn, with: client) }
        let recorder = try Recorder(longest: plan.longest)
        let left = Countdown(plan.calls)
        var whole = try await withThrowingTaskGroup(of: Recorder.self) { group in
            for _ in 0..<plan.tasks {
                group.addTask { await lane(recorder, left) }
            }
            var whole = recorder
            for try await part in group { whole.add(part) }
            return whole
        }
        try whole.stop()
        return whole
    }

    /// One call after the other, until all tasks together have made them all.
    private func lane(_ recorder: Recorder, _ left: Countdown) async -> Recorder {
        var recorder = recorder
        while let turn = left.next() {
            let start = SystemClock.monotonic
            do throws(RlimitError) {
                let limit = try await work.perform(turn, with: client)
                recorder.answered(in: SystemClock.monotonic - start, limit)
            } catch {
                recorder.failed(in: SystemClock.monotonic - start, error)
            }
            if recorder.isOver(at: start) { break }
        }
        return recorder
    }
}

/// The calls that are still to be made.
private final class Countdown: Sendable {
    private let left: Atomic<Int>

    init(_ count: Int) { left = Atomic(count) }

    func next() -> Int? {
        let place = left.subtract(1, ordering: .relaxed).newValue
        return place >= 0 ? place : nil
    }
}
