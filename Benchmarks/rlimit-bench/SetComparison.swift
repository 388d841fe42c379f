import CPrlimitLoop
import Glibc
import RlimitClient

/// The same sets through the agent and by prlimit(2) in C.
struct SetComparison {
    /// The processes of one call.
    private let processes: [Int32]
    private let set: (Limit.Bound) throws -> Void

    /// The median time of one call of both, in microseconds.
    struct Result {
        let processes: Int
        let agent: Double
        let loop: Double
        var ratio: Double { (agent / loop * 100).rounded() / 100 }
    }

    /// The calling process.
    init(own client: BlockingLimitClient) {
        processes = [getpid()]
        set = { try client.apply(.set(.openFiles, soft: $0)) }
    }

    /// Another process, by a pidfd in every call.
    init(_ client: BlockingLimitClient, pid: Int32) throws {
        let handle = Handle(try ProcessHandle(pid: pid))
        processes = [pid]
        set = { try client.apply(.set(.openFiles, soft: $0), on: handle.process.target) }
    }

    /// Every process of a cgroup, in one call.
    init(_ client: BlockingLimitClient, cgroup: String) throws {
        let whole = Cgroup(path: cgroup)
        processes = try client.limits(in: whole).compactMap(\.pid)
        let count = processes.count
        set = { soft in
            let answer = try client.apply(.set(.openFiles, soft: soft), in: whole)
            for process in answer { _ = try process.result.get() }
            guard answer.isComplete, answer.count == count else {
                throw BenchmarkFailure("the processes of the cgroup changed during the measurement")
            }
        }
    }

    func measure(calls: Int, rounds: Int) throws -> Result {
        guard !processes.isEmpty else { throw BenchmarkFailure("the cgroup has no processes") }
        var agent: [Double] = []
        var loop: [Double] = []
        // The first round of each is a warm-up.
        for round in 0...rounds {
            let start = ContinuousClock.now
            for call in 0..<calls { try set(Limit.Bound(1000 + call % 2)) }
            let took = start.duration(to: .now) / .microseconds(1) / Double(calls)
            let inC = try setInC(calls: calls)
            if round > 0 {
                agent.append(took)
                loop.append(inC)
            }
        }
        return Result(processes: processes.count, agent: median(agent), loop: median(loop))
    }

    private func setInC(calls: Int) throws -> Double {
        var nanoseconds: Int64 = 0
        for call in 0..<calls {
            let took = unsafe pl_set_open_files(processes, processes.count, UInt64(1000 + call % 2))
            guard took >= 0 else { throw BenchmarkFailure("prlimit failed with errno \(-took)") }
            nanoseconds += took
        }
        return Double(nanoseconds) / 1000 / Double(calls)
    }

    private func median(_ values: [Double]) -> Double {
        (values.sorted()[values.count / 2] * 1000).rounded() / 1000
    }
}

/// Keeps the pidfd open for the lifetime of the closure.
private final class Handle {
    let process: ProcessHandle
    init(_ process: consuming ProcessHandle) { self.process = process }
}
