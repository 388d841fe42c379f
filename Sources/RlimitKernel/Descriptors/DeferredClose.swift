internal import CRlimitLinux
internal import Glibc
internal import Synchronization

/// Closes descriptors on separate threads, because closing them may block.
///
/// A peer controls how long it takes to close a descriptor that it sent. Closing a FUSE file waits for a response of
/// the peer's own file system. Closing the last reference to a TCP socket with SO_LINGER waits until unsent data is
/// acknowledged. A descriptor that was never received blocks in the same way: the kernel drops it when its message is
/// read without a control buffer, or when the connection that holds the unread message is closed.
final class DeferredClose: @unchecked Sendable {
    /// Connections that still hold unread data.
    static let connections = DeferredClose(threadLimit: 2)
    /// Descriptors from peers that may send them, except pidfds.
    static let received = DeferredClose(threadLimit: 16)
    /// Descriptors from peers that may not send them.
    static let unwanted = DeferredClose(threadLimit: 4)

    private struct State {
        var waiting: [Int32] = []
        var threads = 0
        var busy = 0
    }

    // Accessed only while `lock` is held.
    private var state = State()
    private let lock = ConditionLock()
    private let threadLimit: Int
    // Derived from `state`, so that a receive can read it without the lock.
    private let isBusy = Atomic<Bool>(false)

    init(threadLimit: Int) { self.threadLimit = threadLimit }

    /// The number of descriptors that are not closed yet.
    var pending: Int { lock.withLock { state.waiting.count + state.busy } }

    /// Whether all threads are blocked in close(2), possibly forever.
    var isSaturated: Bool { isBusy.load(ordering: .relaxed) }

    /// Takes ownership of a descriptor and returns immediately.
    func close(_ number: Int32) {
        let needsThread = lock.withLock {
            state.waiting.append(number)
            guard state.threads < threadLimit else { return false }
            state.threads += 1
            return true
        }
        if needsThread, !DetachedThread.start({ self.closeWaiting() }) { lock.withLock { state.threads -= 1 } }
    }

    /// Shuts a connection down. Returns whether its receive queue is empty. shutdown(2), ioctl(2).
    static func isDrained(_ number: Int32) -> Bool {
        _ = rl_shutdown(number)
        return rl_queued(number) == 0
    }

    // A signal ends a wait for SO_LINGER.
    private func closeWaiting() {
        var interrupter: UnsafeMutableRawPointer?
        let isInterrupted = unsafe rl_interrupt_start(1_000_000, &interrupter) == 0
        while let number = nextOrRetire() {
            _ = rl_close(number)
            lock.withLock { changeBusyCount(by: -1) }
        }
        if isInterrupted { unsafe rl_interrupt_stop(interrupter) }
    }

    private func nextOrRetire() -> Int32? {
        lock.withLock {
            guard let number = state.waiting.popLast() else {
                state.threads -= 1
                return nil
            }
            changeBusyCount(by: 1)
            return number
        }
    }

    // Called only while `lock` is held.
    private func changeBusyCount(by more: Int) {
        state.busy += more
        isBusy.store(state.busy == threadLimit, ordering: .relaxed)
    }
}
