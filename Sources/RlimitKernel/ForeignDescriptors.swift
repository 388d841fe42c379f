internal import CRlimitLinux
internal import Glibc

/// Closes what peers sent and nobody asked for, on a thread of its own: close(2) of a file in a file system that a user
/// serves (FUSE) lasts as long as that user likes, and cannot be interrupted.
///
/// There is no thread before the first of them.
final class ForeignDescriptors: Sendable {
    static let shared = ForeignDescriptors { _ = rl_close($0) }

    /// How many may wait. Somebody who hangs the thread gets no further than this.
    static let capacity = 32

    private let monitor = Monitor()
    private let closeNow: @Sendable (Int32) -> Void
    // Both only while the monitor is locked.
    nonisolated(unsafe) private var waiting: [Int32] = []
    nonisolated(unsafe) private var hasThread = false

    init(close: @escaping @Sendable (Int32) -> Void) { closeNow = close }

    /// Whether no more should be taken from anybody now.
    var isFull: Bool { monitor.locked { unsafe waiting.count >= Self.capacity } }

    /// Takes a descriptor over. Never waits.
    func close(_ number: Int32) {
        monitor.locked {
            unsafe waiting.append(number)
            if unsafe !hasThread { unsafe hasThread = startThread() }
            monitor.wakeAll()
        }
    }

    // Where there can be no thread now, the next descriptor tries again.
    private func startThread() -> Bool {
        var thread = pthread_t()
        let argument = unsafe Unmanaged.passRetained(self)
        let result = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<ForeignDescriptors>.fromOpaque(argument).takeRetainedValue().closeForEver()
            }, unsafe argument.toOpaque())
        guard result == 0 else {
            unsafe argument.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    private func closeForEver() -> Never {
        while true {
            let number = monitor.locked { () -> Int32 in
                while unsafe waiting.isEmpty { _ = monitor.wait(until: nil) }
                return unsafe waiting[0]
            }
            closeNow(number)
            // It counts as long as it is being closed.
            _ = monitor.locked { unsafe waiting.removeFirst() }
        }
    }
}
