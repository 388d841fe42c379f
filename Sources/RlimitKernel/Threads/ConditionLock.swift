internal import Glibc

/// A lock that its holder can give up while it waits, at most until a deadline. pthread_mutex_lock(3),
/// pthread_cond_timedwait(3).
///
/// The waiting is what the standard library's own lock cannot do.
@safe package final class ConditionLock: @unchecked Sendable {
    // Both stay where they are as long as the monitor lives.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    package init() {
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    package func lock() { unsafe pthread_mutex_lock(mutex) }
    package func unlock() { unsafe pthread_mutex_unlock(mutex) }

    @inlinable @inline(__always)
    package func withLock<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
        lock()
        defer { unlock() }
        return try body()
    }

    /// Lets the others in until one of them wakes us. Only while locked; it is again afterwards.
    ///
    /// - Returns: False when `deadline` passed first. True may also mean nothing at all, so whoever waits looks again.
    package func wait(until deadline: MonotonicDeadline) -> Bool {
        guard deadline != .never else {
            unsafe pthread_cond_wait(condition, mutex)
            return true
        }
        guard !deadline.hasPassed else { return false }
        let end = deadline.nanoseconds
        var time = timespec(tv_sec: Int(clamping: end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
        return unsafe pthread_cond_timedwait(condition, mutex, &time) != ETIMEDOUT
    }

    /// Wakes all who wait. Only while locked.
    package func broadcast() { unsafe pthread_cond_broadcast(condition) }
}
