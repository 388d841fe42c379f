import Histogram
import RlimitKernel
import RlimitModel

/// The results of the timed part of a run.
struct Recorder: Sendable {
    // The histogram has three digits and a maximum of one minute, to which it rounds longer times.
    private static let maxTrackable: UInt64 = 60_000_000_000
    private(set) var latencies = Histogram<UInt32>(
        highestTrackableValue: maxTrackable, numberOfSignificantValueDigits: .three)
    private(set) var calls = 0
    private(set) var errors = 0
    /// The first error.
    private(set) var failure: RlimitError?
    /// The limit in the last reply.
    private(set) var limit: Limit?
    private(set) var wall = 0.0
    private(set) var processorTime = 0.0
    private let deadline: UInt64
    private let start: UInt64
    private let processorStart: Double

    /// The clock starts now.
    init(maxSeconds: Double) throws {
        processorStart = try Self.processorTime()
        start = SystemClock.monotonic
        deadline = start &+ UInt64(maxSeconds * 1e9)
    }

    func isOver(at time: UInt64) -> Bool { time > deadline }

    @inline(__always)
    mutating func recordCall(in nanoseconds: UInt64, _ limit: Limit?) {
        calls += 1
        if let limit { self.limit = limit }
        latencies.record(min(nanoseconds, Self.maxTrackable))
    }

    mutating func recordFailure(in nanoseconds: UInt64, _ error: RlimitError) {
        errors += 1
        if failure == nil { failure = error }
        recordCall(in: nanoseconds, nil)
    }

    /// Adds the results of another recorder.
    mutating func add(_ other: Recorder) {
        calls += other.calls
        errors += other.errors
        failure = failure ?? other.failure
        limit = other.limit ?? limit
        latencies.add(other.latencies)
    }

    mutating func stop() throws {
        wall = Double(SystemClock.monotonic - start) / 1e9
        processorTime = try Self.processorTime() - processorStart
    }

    /// The latency in microseconds that this fraction of the calls did not exceed.
    func latency(atPercentile percentile: Double) -> Double {
        Double(latencies.valueAtPercentile(percentile)) / 1000
    }

    var minLatency: Double { Double(latencies.min) / 1000 }
    var maxLatency: Double { Double(latencies.maxRecorded) / 1000 }
    var callsPerSecond: Double { wall > 0 ? Double(calls) / wall : 0 }

    private static func processorTime() throws -> Double {
        let usage = try OwnUsage.usage(.process)
        return ((usage.userTime ?? .zero) + (usage.systemTime ?? .zero)) / .seconds(1)
    }
}
