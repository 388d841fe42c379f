import RlimitKernel
import RlimitModel

/// The one thread of a process that waits, for all of its watches, for the time of the next look and for processes to end. It
/// starts with the first watch and stays, asleep while there is nothing to do.
final class Lookout: ForkedApart, @unchecked Sendable {
    let mark: ProcessMark
    private let poller: Poller
    private let wakeup: WakeupDescriptor
    private let monitor = Monitor()
    // Guarded by the monitor. By when they are due; not many times, since looks fall together.
    private var resting: [UInt64: [LookoutPost]] = [:]
    private var held: [UInt64: Held] = [:]
    private var lastToken: UInt64 = 0
    private var alarm = UInt64.max
    private var isStarted = false

    // A process whose end is waited for.
    private struct Held {
        let descriptor: Int32
        let post: LookoutPost
    }

    private static let current = OfThisProcess<Lookout>()

    /// - Throws: EMFILE, EAGAIN and their like.
    static func ofThisProcess() throws(SystemError) -> Lookout {
        let lookout = try current.object { mark throws(SystemError) in try Lookout(mark) }
        let isRunning = lookout.monitor.locked {
            if !lookout.isStarted { lookout.isStarted = DetachedThread.start { lookout.run() } }
            return lookout.isStarted
        }
        if !isRunning { throw SystemError(number: 11, call: "pthread_create") }
        return lookout
    }

    private init(_ mark: ProcessMark) throws(SystemError) {
        self.mark = mark
        poller = try Poller()
        wakeup = try WakeupDescriptor()
        try poller.add(wakeup.number, .readable, token: 0)
    }

    func abandon() {}
}

// By any thread.
extension Lookout {
    /// Tells the post when a process has ended. The token names it, until it is removed.
    func hold(_ process: HeldProcess, for post: LookoutPost) throws(SystemError) -> UInt64 {
        let descriptor = process.pidfd.descriptor.number
        return try monitor.locked { () throws(SystemError) in
            lastToken += 1
            try poller.add(descriptor, .readable, token: lastToken)
            held[lastToken] = Held(descriptor: descriptor, post: post)
            return lastToken
        }
    }

    /// Before its descriptor is closed.
    func release(_ token: UInt64) { monitor.locked { forget(token) } }

    /// Suspends the task until a time of the monotonic clock, or until one of the post's processes has ended or the task is
    /// cancelled. Returns those that have ended.
    func rest(_ post: LookoutPost, until due: UInt64) async -> [UInt64] {
        monitor.locked { post.isCancelled = false }
        await withTaskCancellationHandler {
            await withCheckedContinuation { begin(post, due, $0) }
        } onCancel: {
            cancel(post)
        }
        return monitor.locked {
            defer { post.ended = [] }
            return post.ended
        }
    }

    private func begin(_ post: LookoutPost, _ due: UInt64, _ continuation: CheckedContinuation<Void, Never>) {
        monitor.lock()
        guard !post.isCancelled, post.ended.isEmpty, due > SystemClock.monotonic else {
            monitor.unlock()
            return continuation.resume()
        }
        post.continuation = continuation
        post.due = due
        resting[due, default: []].append(post)
        let isEarlier = due < alarm
        if isEarlier { alarm = due }
        monitor.unlock()
        if isEarlier { wakeup.signal() }
    }

    private func cancel(_ post: LookoutPost) {
        let continuation = monitor.locked {
            post.isCancelled = true
            return takeOut(post)
        }
        continuation?.resume()
    }

    // Locked.
    private func takeOut(_ post: LookoutPost) -> CheckedContinuation<Void, Never>? {
        guard let continuation = post.continuation.take() else { return nil }
        resting[post.due]?.removeAll { $0 === post }
        if resting[post.due]?.isEmpty == true { resting[post.due] = nil }
        return continuation
    }

    // Locked.
    private func forget(_ token: UInt64) {
        guard let process = held.removeValue(forKey: token) else { return }
        try? poller.remove(process.descriptor)
    }
}

// By its thread.
extension Lookout {
    private func run() {
        while true {
            let next = monitor.locked {
                alarm = resting.keys.min() ?? .max
                return Deadline(at: alarm)
            }
            var tokens: [UInt64] = []
            do throws(SystemError) {
                try poller.wait(timeout: next.left.map { .nanoseconds($0) }) { event in
                    if event.token == 0 { wakeup.reset() } else { tokens.append(event.token) }
                }
            } catch {
                // Nothing that epoll_wait(2) can say leaves it of use: somebody closed what is not theirs. Looks go on without,
                // and find out who has ended.
                _ = monitor.locked { monitor.wait(until: min(next, Deadline(after: 10_000_000))) }
            }
            let continuations = monitor.locked { collect(tokens) }
            for continuation in continuations { continuation.resume() }
        }
    }

    // Locked: whose processes have ended, and whose time has come.
    private func collect(_ tokens: [UInt64]) -> [CheckedContinuation<Void, Never>] {
        var continuations: [CheckedContinuation<Void, Never>] = []
        for token in tokens {
            guard let post = held[token]?.post else { continue }
            forget(token)
            post.ended.append(token)
            if let continuation = takeOut(post) { continuations.append(continuation) }
        }
        let now = SystemClock.monotonic
        for due in resting.keys.filter({ $0 <= now }) {
            for post in resting.removeValue(forKey: due) ?? [] {
                if let continuation = post.continuation.take() { continuations.append(continuation) }
            }
        }
        return continuations
    }
}

/// Where one watch waits. Touched only under the lock of the lookout.
final class LookoutPost: @unchecked Sendable {
    fileprivate var continuation: CheckedContinuation<Void, Never>?
    fileprivate var due: UInt64 = 0
    fileprivate var isCancelled = false
    fileprivate var ended: [UInt64] = []
}
