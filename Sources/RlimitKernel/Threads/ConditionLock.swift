internal import Glibc

/// A mutex with a condition variable: its holder can wait for a broadcast, until a deadline. pthread_mutex_lock(3),
/// pthread_cond_timedwait(3).
///
/// `Mutex` of the standard library has no condition variable.
@safe package final class ConditionLock: @unchecked Sendable {
    // Allocated, because neither may move in memory.
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

    /// Releases the lock, waits for `broadcast()`, and takes the lock again. Call it only while the lock is held.
    ///
    /// - Returns: False if `deadline` passed first. True may be a spurious wakeup, so the caller checks its condition
    ///   again.
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

    /// Wakes all waiting threads. Call it only while the lock is held.
    package func broadcast() { unsafe pthread_cond_broadcast(condition) }
}
