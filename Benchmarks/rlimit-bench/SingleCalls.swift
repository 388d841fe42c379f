import RlimitClient
import RlimitKernel

/// One call after the other, through the client that applications use.
struct SingleCalls {
    let client: BlockingLimitClient
    let work: Work

    func measure(_ plan: Plan) throws -> Recorder {
        for turn in 0..<plan.warmup { _ = try work.perform(turn, with: client) }
        var recorder = try Recorder(longest: plan.longest)
        for turn in 0..<plan.calls {
            let start = SystemClock.monotonic
            do throws(RlimitError) {
                let limit = try work.perform(turn, with: client)
                recorder.answered(in: SystemClock.monotonic - start, limit)
            } catch {
                recorder.failed(in: SystemClock.monotonic - start, error)
            }
            if turn & 63 == 0, recorder.isOver(at: start) { break }
        }
        try recorder.stop()
        return recorder
    }
}
