#include "kernel/clock.h"

#include <time.h>

#include "rlimitd.h"

uint64_t monotonic_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

uint64_t deadline_after(uint32_t milliseconds) {
    return milliseconds == RLIMITD_NO_TIME ? 0 : monotonic_now() + (uint64_t)milliseconds * 1000000;
}

uint64_t time_until(uint64_t deadline) {
    uint64_t time = monotonic_now();
    return time < deadline ? deadline - time : 0;
}
