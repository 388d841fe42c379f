internal import CRlimitLinux
internal import Glibc
internal import Synchronization

/// Closes on threads of its own what could hold up whoever closes it.
///
/// Letting go of a descriptor of a peer's choosing may take as long as the peer likes: closing a file of FUSE waits for the
/// peer's own file system to answer, and the last reference to a TCP socket with SO_LINGER waits for data that nobody reads.
/// The latter also where the descriptor was never received: a message that carries it drops it when it is read without a
/// control buffer, or when the connection that it waits in is closed.
final class Disposal: @unchecked Sendable {
    /// Connections in which something unread is left.
    static let connections = Disposal(threadLimit: 2)
    /// Descriptors of peers who may send them, other than pidfds.
    static let received = Disposal(threadLimit: 16)
    /// Descriptors of peers who may not.
    static let unwanted = Disposal(threadLimit: 4)

    private struct State {
        var waiting: [Int32] = []
        var threads = 0
        var busy = 0
    }

    // Only while the monitor is locked.
    private var state = State()
    private let monitor = Monitor()
    private let threadLimit: Int
    // As `state` has it, so that whoever receives needs no lock to learn it.
    private let isBusy = Atomic<Bool>(false)

    init(threadLimit: Int) { self.threadLimit = threadLimit }

    /// How many are not closed yet.
    var pending: Int { monitor.locked { state.waiting.count + state.busy } }

    /// No thread is free, and perhaps none will ever be.
    var isStuck: Bool { isBusy.load(ordering: .relaxed) }

    /// Takes a descriptor over, and returns at once.
    func close(_ number: Int32) {
        let needsThread = monitor.locked {
            state.waiting.append(number)
            guard state.threads < threadLimit else { return false }
            state.threads += 1
            return true
        }
        if needsThread, !DetachedThread.start({ self.work() }) { monitor.locked { state.threads -= 1 } }
    }

    /// Whether nothing is left to receive on a connection, and nothing more can come. shutdown(2), ioctl(2).
    static func isDrained(_ number: Int32) -> Bool {
        _ = rl_shutdown(number)
        return rl_queued(number) == 0
    }

    // What lingers stops lingering at the first signal.
    private func work() {
        var nudge: UnsafeMutableRawPointer?
        let isNudged = unsafe rl_nudge_start(1_000_000, &nudge) == 0
        while let number = next() {
            _ = rl_close(number)
            monitor.locked { count(-1) }
        }
        if isNudged { unsafe rl_nudge_stop(nudge) }
    }

    private func next() -> Int32? {
        monitor.locked {
            guard let number = state.waiting.popLast() else {
                state.threads -= 1
                return nil
            }
            count(1)
            return number
        }
    }

    // Only while the monitor is locked.
    private func count(_ more: Int) {
        state.busy += more
        isBusy.store(state.busy == threadLimit, ordering: .relaxed)
    }
}
