import RlimitConfinement
import RlimitKernel
import Synchronization
import Testing

@Suite struct SchedulerSliceTests {
    // What a thread of its own said.
    private func onThread(_ body: @escaping @Sendable () -> [Duration?]) throws -> [Duration?] {
        let said = Mutex<[Duration?]>([])
        try withThread { said.withLock { $0 = body() } }
        return said.withLock { $0 }
    }

    private func withThread(_ body: @escaping @Sendable () -> Void) throws { _ = try JoinedThread(body) }

    @Test func `A thread gets the requested slice, and threads that it starts do not`() throws {
        let slices = try onThread {
            let usual = SchedulerSlice.current
            SchedulerSlice.request(.microseconds(500))
            let started = try? onThread { [SchedulerSlice.current] }
            return [usual, SchedulerSlice.current, started?.first ?? nil]
        }
        // Linux tells none before 6.12.
        guard slices[0] != nil else { return }
        #expect(slices[1] == .microseconds(500))
        #expect(slices[2] == slices[0])
    }
}
