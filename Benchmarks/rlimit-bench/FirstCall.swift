import Glibc
import RlimitClient
import RlimitKernel

/// Waits until a server has started, and calls it once.
struct FirstCall {
    private static let maxWait: UInt64 = 20_000_000_000

    let client: BlockingLimitClient
    let workload: Workload

    /// The time of the response in nanoseconds. CLOCK_MONOTONIC.
    func measure() throws -> UInt64 {
        let end = SystemClock.monotonic + Self.maxWait
        while !isListening {
            guard SystemClock.monotonic < end else { throw BenchmarkFailure("no server listens at \(client.socket)") }
            usleep(200)
        }
        _ = try workload.perform(0, with: client)
        return SystemClock.monotonic
    }

    // The check closes its connection again.
    private var isListening: Bool {
        guard let socket = try? StreamSocket.connect(to: client.socket.path, timeout: .seconds(1)) else { return false }
        return socket.descriptor.number >= 0
    }
}
