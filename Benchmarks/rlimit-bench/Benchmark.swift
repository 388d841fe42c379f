import Glibc
import RlimitClient
import RlimitKernel
import RlimitModel

/// One measurement. It restores the limits that it changes.
struct Benchmark {
    private let plan: Plan
    private let kind: Workload.Kind
    private let client: BlockingLimitClient

    init(_ plan: Plan, _ kind: Workload.Kind) {
        self.plan = plan
        self.kind = kind
        client = BlockingLimitClient(
            socket: plan.socket, strategy: .agentOnly, busyPolling: .microseconds(plan.busyPoll))
    }

    /// The time of the first response. CLOCK_MONOTONIC.
    func first() throws -> UInt64 {
        try FirstCall(client: client, workload: Workload(kind, of: plan.process, present: Limits())).measure()
    }

    func measure() throws -> Report {
        // Each connection needs a descriptor, and the benchmark itself needs some.
        if plan.connections > 200 {
            let wanted = UInt64(plan.connections + 64)
            let got = try OwnProcess.raiseOpenFiles(to: wanted)
            guard got >= wanted else {
                throw BenchmarkFailure(
                    "\(plan.connections) connections take \(wanted) descriptors; the limit is \(got)")
            }
        }
        let present = try limits()
        let workload = Workload(kind, of: plan.process, present: present)
        let recorder: Recorder
        do {
            recorder = try record(workload)
        } catch {
            try? restore(workload)
            throw error
        }
        try restore(workload)
        return Report(plan: plan, workload: workload, recorder: recorder)
    }

    private func record(_ workload: Workload) throws -> Recorder {
        if plan.mode != .lat { return try ManyCalls.measure(plan, workload) }
        if plan.tasks == 0 { return try SingleCalls(client: client, workload: workload).measure(plan) }
        let client = LimitClient(
            socket: plan.socket, strategy: .agentOnly, busyPolling: .microseconds(plan.busyPoll))
        return try TaskCalls(client: client, workload: workload).measure(plan)
    }

    // The present limits of the measured process, for a set only.
    private func limits() throws -> Limits {
        guard case .set = kind else { return Limits() }
        guard let pid = plan.process.pid else { return try client.limits() }
        guard case .limits(_, let limits) = try client.perform(.get(.pid(pid), .all)) else {
            throw BenchmarkFailure("the response of the agent has no limits")
        }
        return limits
    }

    private func restore(_ workload: Workload) throws {
        guard case .set = kind else { return }
        _ = try workload.perform(1, with: client)
    }
}

/// Writes the buffered output, so that the reader of a pipe gets each line at once.
func flushOutput() { _ = fflush(nil) }
