// The time of each call, and the totals of the timed part.
#ifndef SAMPLES_H
#define SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "arguments.h"

struct samples {
    uint32_t *nanoseconds;
    size_t count, room;
    uint64_t start, deadline;
    double wall, processor; // seconds
};

// Starts the clock, after touching all memory.
void samples_start(struct samples *samples, const struct arguments *arguments);
void samples_stop(struct samples *samples);
void samples_print(struct samples *samples, const struct arguments *arguments, long errors, uint64_t soft, uint64_t hard);

static inline void samples_add(struct samples *samples, uint64_t took) {
    if (samples->count < samples->room) samples->nanoseconds[samples->count++] = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
}

#endif
