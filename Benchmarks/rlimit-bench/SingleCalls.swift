import RlimitClient
import RlimitKernel

/// One call after the other, through the client for applications.
struct SingleCalls {
    let client: BlockingLimitClient
    let workload: Workload

    func measure(_ plan: Plan) throws -> Recorder {
        for turn in 0..<plan.warmup { _ = try workload.perform(turn, with: client) }
        var recorder = try Recorder(maxSeconds: plan.maxSeconds)
        for turn in 0..<plan.calls {
            let start = SystemClock.monotonic
            do throws(RlimitError) {
                let limit = try workload.perform(turn, with: client)
                recorder.recordCall(in: SystemClock.monotonic - start, limit)
            } catch {
                recorder.recordFailure(in: SystemClock.monotonic - start, error)
            }
            if turn & 63 == 0, recorder.isOver(at: start) { break }
        }
        try recorder.stop()
        return recorder
    }
}
