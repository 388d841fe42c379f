internal import Glibc

/// A thread that is not joined.
package enum DetachedThread {
    /// Starts a thread. Returns false, without running `body`, if the system cannot create one. pthread_create(3).
    package static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        guard case .success(let thread) = ThreadStart.create(body) else { return false }
        pthread_detach(thread)
        return true
    }

    /// Identifies the calling thread among all existing threads. pthread_self(3).
    package static var current: UInt { UInt(pthread_self()) }

    /// Lets other runnable threads use the processor of the calling thread. sched_yield(2).
    package static func yield() { sched_yield() }
}
