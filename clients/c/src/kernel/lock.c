#include "kernel/lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// A futex, because pthread_mutex_timedlock(3) waits by CLOCK_REALTIME. The state is 0 if the lock is free, 1 if it is
// held, and 2 if it is held and threads may be waiting.
bool lock_until(struct lock *lock, uint64_t deadline) {
    uint32_t state = 0;
    if (atomic_compare_exchange_strong_explicit(&lock->state, &state, 1, memory_order_acquire, memory_order_relaxed)) {
        return true;
    }
    struct timespec end = {.tv_sec = (time_t)(deadline / 1000000000), .tv_nsec = (long)(deadline % 1000000000)};
    while (atomic_exchange_explicit(&lock->state, 2, memory_order_acquire) != 0) {
        long woken = syscall(SYS_futex, &lock->state, FUTEX_WAIT_BITSET_PRIVATE, 2, &end, NULL, FUTEX_BITSET_MATCH_ANY);
        if (woken != 0 && errno == ETIMEDOUT) return false;
    }
    return true;
}

void unlock(struct lock *lock) {
    if (atomic_exchange_explicit(&lock->state, 0, memory_order_release) == 2) {
        syscall(SYS_futex, &lock->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}
