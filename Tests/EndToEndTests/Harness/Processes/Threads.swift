import Foundation

/// Waiting threads of this process. Each has slept at least once, so it has a voluntary context switch. They end when
/// this is released.
final class Threads {
    private let gate = DispatchSemaphore(value: 0)
    private let ended = DispatchGroup()
    private let count: Int

    init(_ count: Int) {
        self.count = count
        let started = DispatchSemaphore(value: 0)
        for _ in 0..<count {
            ended.enter()
            let thread = Thread { [gate, ended] in
                usleep(1000)
                started.signal()
                gate.wait()
                ended.leave()
            }
            thread.stackSize = 128 * 1024
            thread.start()
        }
        for _ in 0..<count { started.wait() }
    }

    deinit {
        for _ in 0..<count { gate.signal() }
        ended.wait()
    }
}
