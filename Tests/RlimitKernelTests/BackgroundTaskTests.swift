import Glibc
import RlimitKernel
import Synchronization
import Testing

@Suite("Work in the background")
struct BackgroundTaskTests {
    /// Work that waits for its leave each time, and counts.
    private final class Gate: Sendable {
        private let state = Mutex((begun: 0, leaves: 0))

        var begun: Int { state.withLock { $0.begun } }
        func letOne() { state.withLock { $0.leaves += 1 } }

        func work() -> Int {
            let number = state.withLock { state in
                state.begun += 1
                return state.begun
            }
            while state.withLock({ $0.leaves < number }) { usleep(1000) }
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
        task.begin()
        waitUntil { gate.begun == 1 }
        #expect(task.take() == nil && !isReadable(task.descriptor))
        gate.letOne()
        #expect(isReadable(task.descriptor, milliseconds: 5000))
        #expect(task.take() == 1)
        #expect(task.take() == nil && !isReadable(task.descriptor))
    }

    @Test("begun again while it is under way, it is done once more, and only the last result counts")
    func again() throws {
        let gate = Gate(), task = try BackgroundTask { gate.work() }
        task.begin()
        waitUntil { gate.begun == 1 }
        for _ in 0..<3 { task.begin() }
        gate.letOne()
        waitUntil { gate.begun == 2 }
        #expect(task.take() == nil && !isReadable(task.descriptor))
        gate.letOne()
        #expect(isReadable(task.descriptor, milliseconds: 5000))
        #expect(task.take() == 2 && gate.begun == 2)
        task.begin()
        gate.letOne()
        #expect(isReadable(task.descriptor, milliseconds: 5000) && task.take() == 3)
    }
}
