import Glibc
import RlimitClient
import RlimitKernel
import RlimitModel

/// One measurement, from the limits as they are to the limits as they were.
struct Bench {
    private let plan: Plan
    private let deed: Work.Deed
    private let client: BlockingLimitClient

    init(_ plan: Plan, _ deed: Work.Deed) {
        self.plan = plan
        self.deed = deed
        client = BlockingLimitClient(
            socket: plan.socket, strategy: .agentOnly, busyPolling: .microseconds(plan.busyPoll))
    }

    /// CLOCK_MONOTONIC at the first answer.
    func first() throws -> UInt64 {
        try FirstCall(client: client, work: Work(deed, of: plan.subject, present: Limits())).measure()
    }

    func measure() throws -> Report {
        // A descriptor for each connection, and some for us.
        if plan.connections > 200 {
            let wanted = UInt64(plan.connections + 64)
            let got = try OwnProcess.raiseOpenFiles(to: wanted)
            guard got >= wanted else {
                throw BenchmarkFailure(
                    "\(plan.connections) connections take \(wanted) descriptors; the limit is \(got)")
            }
        }
        let present = try limits()
        let work = Work(deed, of: plan.subject, present: present)
        let recorder: Recorder
        do {
            recorder = try record(work)
        } catch {
            try? restore(work)
            throw error
        }
        try restore(work)
        return Report(plan: plan, work: work, recorder: recorder)
    }

    private func record(_ work: Work) throws -> Recorder {
        if plan.mode != .lat { return try ManyCalls.measure(plan, work) }
        if plan.tasks == 0 { return try SingleCalls(client: client, work: work).measure(plan) }
        let client = LimitClient(
            socket: plan.socket, strategy: .agentOnly, busyPolling: .microseconds(plan.busyPoll))
        return try TaskCalls(client: client, work: work).measure(plan)
    }

    // What the subject has now, where that matters.
    private func limits() throws -> Limits {
        guard case .set = deed else { return Limits() }
        guard let pid = plan.subject.pid else { return try client.limits() }
        guard case .limits(_, let limits) = try client.ask(.get(.pid(pid), .all)) else {
            throw BenchmarkFailure("the agent answered something else than limits")
        }
        return limits
    }

    private func restore(_ work: Work) throws {
        guard case .set = deed else { return }
        _ = try work.perform(1, with: client)
    }
}

/// So that whoever reads a pipe sees a line before we wait.
func flushOutput() { _ = fflush(nil) }
