import Glibc
import RlimitClient
import RlimitKernel

/// Waits for a server that is only starting, and calls it once.
struct FirstCall {
    private static let maxWait: UInt64 = 20_000_000_000

    let client: BlockingLimitClient
    let workload: Workload

    /// CLOCK_MONOTONIC when the reply was there, in nanoseconds.
    func measure() throws -> UInt64 {
        let end = SystemClock.monotonic + Self.maxWait
        while !isListening {
            guard SystemClock.monotonic < end else { throw BenchmarkFailure("nobody listens at \(client.socket)") }
            usleep(200)
        }
        _ = try workload.perform(0, with: client)
        return SystemClock.monotonic
    }

    // The connection that shows it is closed again.
    private var isListening: Bool {
        guard let socket = try? StreamSocket.connect(to: client.socket.path, timeout: .seconds(1)) else { return false }
        return socket.descriptor.number >= 0
    }
}
