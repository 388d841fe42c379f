import Glibc
import RlimitKernel
import Synchronization
import Testing

@Suite("Work in the background")
struct BackgroundTaskTests {
    /// Work that waits for its leave each time, and counts.
    private final class Gate: Sendable {
        private let state = Mutex((startedCount: 0, permits: 0))

        var startedCount: Int { state.withLock { $0.startedCount } }
        func releaseOne() { state.withLock { $0.permits += 1 } }

        func work() -> Int {
            let number = state.withLock { state in
                state.startedCount += 1
                return state.startedCount
            }
            while state.withLock({ $0.permits < number }) { usleep(1000) }
            return number
        }
    }

    private func isReadable(_ descriptor: Int32, milliseconds: Int32 = 0) -> Bool {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&wanted, 1, milliseconds) == 1
    }

    private func waitUntil(_ condition: () -> Bool) {
        for _ in 0..<5000 where !condition() { usleep(1000) }
        #expect(condition())
    }

    @Test("whoever begins it does not wait, and is told when it is done")
    func once() throws {
        let gate = Gate(), task = try BackgroundTask { gate.work() }
        task.start()
        waitUntil { gate.startedCount == 1 }
        #expect(task.takeResult() == nil && !isReadable(task.descriptor))
        gate.releaseOne()
        #expect(isReadable(task.descriptor, milliseconds: 5000))
        #expect(task.takeResult() == 1)
        #expect(task.takeResult() == nil && !isReadable(task.descriptor))
    }

    @Test("begun again while it is under way, it is done once more, and only the last result counts")
    func again() throws {
        let gate = Gate(), task = try BackgroundTask { gate.work() }
        task.start()
        waitUntil { gate.startedCount == 1 }
        for _ in 0..<3 { task.start() }
        gate.releaseOne()
        waitUntil { gate.startedCount == 2 }
        #expect(task.takeResult() == nil && !isReadable(task.descriptor))
        gate.releaseOne()
        #expect(isReadable(task.descriptor, milliseconds: 5000))
        #expect(task.takeResult() == 2 && gate.startedCount == 2)
        task.start()
        gate.releaseOne()
        #expect(isReadable(task.descriptor, milliseconds: 5000) && task.takeResult() == 3)
    }
}
