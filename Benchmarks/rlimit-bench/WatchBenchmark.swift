import Dispatch
import RlimitClient
import Synchronization

/// Watches many processes, either with a watch for each or with one watch of their cgroup.
struct WatchBenchmark: Sendable {
    let client: LimitClient
    let seconds: Int
    let resources: [Resource]

    /// The samples and their cost, after the first sample of every process.
    struct Result: Sendable {
        let samples: Int
        let processorTime: Duration
        let time: Duration
        /// The share of one core.
        var percent: Double { (processorTime / time * 10000).rounded() / 100 }
    }

    /// A watch and a task for each process.
    func each(of pids: [Int32]) throws -> Result {
        try measure(count: pids.count) { samples in
            for pid in pids {
                Task {
                    do throws(RlimitError) {
                        for try await event in client.watch(.process(pid), resources: resources) {
                            if case .sample = event { samples.up() }
                        }
                    } catch {
                        print("\(pid): \(error)")
                    }
                }
            }
        }
    }

    /// One watch of a cgroup.
    func all(in cgroup: Cgroup, count: Int) throws -> Result {
        try measure(count: count) { samples in
            Task {
                do throws(RlimitError) {
                    for try await event in client.watch(in: cgroup, resources: resources) {
                        if case .process(_, .sample) = event { samples.up() }
                    }
                } catch {
                    print("\(cgroup): \(error)")
                }
            }
        }
    }

    private final class Count: Sendable {
        private let atomic = Atomic(0)
        var value: Int { atomic.load(ordering: .relaxed) }
        func up() { atomic.add(1, ordering: .relaxed) }
    }

    private func measure(count: Int, _ begin: (Count) -> Void) throws -> Result {
        let samples = Count()
        begin(samples)
        let start = ContinuousClock.now
        while samples.value < count {
            guard start.duration(to: .now) < .seconds(30) else {
                throw BenchmarkFailure("only \(samples.value) of \(count) processes had a sample in time")
            }
            _ = DispatchSemaphore(value: 0).wait(timeout: .now() + 0.5)
        }
        let (first, before, began) = (samples.value, try processorTime(), ContinuousClock.now)
        _ = DispatchSemaphore(value: 0).wait(timeout: .now() + Double(seconds))
        return Result(
            samples: samples.value - first, processorTime: try processorTime() - before,
            time: began.duration(to: .now))
    }

    private func processorTime() throws -> Duration {
        let usage = try CurrentProcess.usage()
        return (usage.userTime ?? .zero) + (usage.systemTime ?? .zero)
    }
}
