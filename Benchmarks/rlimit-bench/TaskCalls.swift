import Dispatch
import RlimitClient
import RlimitKernel
import RlimitModel
import Synchronization

/// Calls from a number of tasks, through the asynchronous client and its one connection.
struct TaskCalls: Sendable {
    let client: LimitClient
    let workload: Workload

    /// Waits for the tasks. Call this outside of a task.
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
        guard plan.prefersExecutor else { return try await runTasks(plan) }
        return try await withTaskExecutorPreference(LimitClient.executor) { try await runTasks(plan) }
    }

    private func runTasks(_ plan: Plan) async throws -> Recorder {
        for turn in 0..<plan.warmup { _ = try await workload.perform(turn, with: client) }
        let recording = Recording(try Recorder(maxSeconds: plan.maxSeconds))
        let left = Countdown(plan.calls)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<plan.tasks {
                group.addTask { await runTask(recording, left) }
            }
        }
        return try recording.stop()
    }

    /// Makes one call after the other, until the tasks together have made all calls.
    private func runTask(_ recording: Recording, _ left: Countdown) async {
        var start = SystemClock.monotonic
        while let turn = left.next() {
            let outcome: Result<Limit?, RlimitError>
            do throws(RlimitError) {
                outcome = .success(try await workload.perform(turn, with: client))
            } catch {
                outcome = .failure(error)
            }
            let end = SystemClock.monotonic
            if !recording.add(outcome, from: start, to: end) { break }
            start = end
        }
    }
}

/// The tasks share one histogram, because one for each task would exceed the processor's caches.
private final class Recording: Sendable {
    private let recorder: Mutex<Recorder>

    init(_ recorder: Recorder) { self.recorder = Mutex(recorder) }

    /// Returns false after the maximum time of the run.
    func add(_ outcome: Result<Limit?, RlimitError>, from start: UInt64, to end: UInt64) -> Bool {
        recorder.withLock { recorder in
            switch outcome {
            case .success(let limit): recorder.recordCall(in: end - start, limit)
            case .failure(let error): recorder.recordFailure(in: end - start, error)
            }
            return !recorder.isOver(at: end)
        }
    }

    func stop() throws -> Recorder {
        try recorder.withLock { recorder in
            try recorder.stop()
            return recorder
        }
    }
}

/// The number of remaining calls.
private final class Countdown: Sendable {
    private let left: Atomic<Int>

    init(_ count: Int) { left = Atomic(count) }

    func next() -> Int? {
        let place = left.subtract(1, ordering: .relaxed).newValue
        return place >= 0 ? place : nil
    }
}
