// A lock that can be waited for until a deadline of CLOCK_MONOTONIC.
#ifndef RLIMITD_LOCK_H
#define RLIMITD_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct lock {
    _Atomic uint32_t state;
};

// False if the deadline passed first.
bool lock_until(struct lock *lock, uint64_t deadline);
void unlock(struct lock *lock);

#endif
