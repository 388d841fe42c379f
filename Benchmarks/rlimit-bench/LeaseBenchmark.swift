import RlimitClient
import RlimitModel

/// Leases of the soft limit of open files of processes that are named by number.
struct LeaseBenchmark {
    let client: BlockingLimitClient

    /// Microseconds for a change and its restore: two sets, and a grant and a release. Medians of the rounds.
    struct Cost {
        let sets: Double
        let lease: Double
    }

    func cost(on pid: Int32, calls: Int, rounds: Int) throws -> Cost {
        guard case .limits(_, let limits) = try client.perform(.get(.pid(pid), ResourceSet([.openFiles]))),
            let soft = limits[.openFiles].soft.value, limits[.openFiles].soft < limits[.openFiles].hard
        else { throw BenchmarkFailure("process \(pid) has no hard limit of open files above its soft one") }
        let up = Self.batch(Limit.Bound(soft + 1)), down = Self.batch(Limit.Bound(soft))
        var sets: [Double] = []
        var leases: [Double] = []
        // The first round of each is a warm-up.
        for round in 0...rounds {
            let inSets = try Self.microseconds(calls) {
                _ = try client.perform(.set(.pid(pid), up, lease: nil))
                _ = try client.perform(.set(.pid(pid), down, lease: nil))
            }
            let inLeases = try Self.microseconds(calls) {
                let grant = try client.perform(.set(.pid(pid), up, lease: .duration(.seconds(600))))
                guard case .changes(_, let lease?) = grant else { throw BenchmarkFailure("a grant without a lease") }
                _ = try client.perform(.leaseRelease(lease.id))
            }
            if round > 0 {
                sets.append(inSets)
                leases.append(inLeases)
            }
        }
        return Cost(sets: sets.sorted()[rounds / 2], lease: leases.sorted()[rounds / 2])
    }

    /// Grants leases to the processes, one after the other. The ends are spread evenly over a range of seconds from
    /// now.
    func grantLeases(_ count: Int, to pids: [Int32], endingWithin ends: ClosedRange<Double>) throws {
        let start = ContinuousClock.now
        for index in 0..<count {
            let end = ends.lowerBound + (ends.upperBound - ends.lowerBound) * Double(index) / Double(count)
            let left = Duration.seconds(end) - start.duration(to: .now)
            guard left > .zero else { throw BenchmarkFailure("the first lease would end before the last is granted") }
            let edits = Self.batch(Limit.Bound(1001 + index % 100), .atLeast)
            _ = try client.perform(.set(.pid(pids[index % pids.count]), edits, lease: .duration(left)))
        }
    }

    private static func batch(_ soft: Limit.Bound, _ mode: Edit.Mode = .exact) -> EditBatch {
        var edit = NumericEdit(.openFiles, soft: soft)
        edit.mode = mode
        return EditBatch([edit])
    }

    private static func microseconds(_ calls: Int, _ body: () throws -> Void) throws -> Double {
        let start = ContinuousClock.now
        for _ in 0..<calls { try body() }
        return start.duration(to: .now) / .microseconds(1) / Double(calls)
    }
}
