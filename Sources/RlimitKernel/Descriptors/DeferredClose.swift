internal import CRlimitLinux
internal import Glibc
internal import Synchronization

/// Closes on threads of its own what could hold up whoever closes it.
///
/// Letting go of a descriptor of a peer's choosing may take as long as the peer likes: closing a file of FUSE waits for the
/// peer's own file system to answer, and the last reference to a TCP socket with SO_LINGER waits for data that nobody reads.
/// The latter also where the descriptor was never received: a message that carries it drops it when it is read without a
/// control buffer, or when the connection that it waits in is closed.
final class DeferredClose: @unchecked Sendable {
    /// Connections in which something unread is left.
    static let connections = DeferredClose(threadLimit: 2)
    /// Descriptors of peers who may send them, other than pidfds.
    static let received = DeferredClose(threadLimit: 16)
    /// Descriptors of peers who may not.
    static let unwanted = DeferredClose(threadLimit: 4)

    private struct State {
        var waiting: [Int32] = []
        var threads = 0
        var busy = 0
    }

    // Only while the monitor is locked.
    private var state = State()
    private let lock = ConditionLock()
    private let threadLimit: Int
    // As `state` has it, so that whoever receives needs no lock to learn it.
    private let isBusy = Atomic<Bool>(false)

    init(threadLimit: Int) { self.threadLimit = threadLimit }

    /// How many are not closed yet.
    var pending: Int { lock.withLock { state.waiting.count + state.busy } }

    /// No thread is free, and perhaps none will ever be.
    var isSaturated: Bool { isBusy.load(ordering: .relaxed) }

    /// Takes a descriptor over, and returns at once.
    func close(_ number: Int32) {
        let needsThread = lock.withLock {
            state.waiting.append(number)
            guard state.threads < threadLimit else { return false }
            state.threads += 1
            return true
        }
        if needsThread, !DetachedThread.start({ self.closeWaiting() }) { lock.withLock { state.threads -= 1 } }
    }

    /// Whether nothing is left to receive on a connection, and nothing more can come. shutdown(2), ioctl(2).
    static func isDrained(_ number: Int32) -> Bool {
        _ = rl_shutdown(number)
        return rl_queued(number) == 0
    }

    // What lingers stops lingering at the first signal.
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

    // Only while the monitor is locked.
    private func changeBusyCount(by more: Int) {
        state.busy += more
        isBusy.store(state.busy == threadLimit, ordering: .relaxed)
    }
}
