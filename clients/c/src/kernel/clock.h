// Deadlines, in nanoseconds of CLOCK_MONOTONIC.
#ifndef RLIMITD_CLOCK_H
#define RLIMITD_CLOCK_H

#include <stdint.h>

uint64_t monotonic_now(void);
uint64_t deadline_after(uint32_t milliseconds);
// The nanoseconds until a deadline; 0 once it has passed.
uint64_t time_until(uint64_t deadline);

#endif
