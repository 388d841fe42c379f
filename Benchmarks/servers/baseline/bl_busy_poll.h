// Decides when to poll before sleeping. After a window of polling without a message, the next 4, 8, ... 1024 waits do
// not poll. A message that the first poll finds would also arrive without polling, so it changes nothing.
#ifndef BL_BUSY_POLL_H
#define BL_BUSY_POLL_H

#include <stdint.h>

struct bl_busy_poll {
    uint64_t window;  // nanoseconds; 0 never polls
    unsigned skip;    // remaining waits without polling
    unsigned step;    // waits without polling after the last window without a message
};

enum { BL_FIRST_STEP = 4, BL_LAST_STEP = 1024 };

// Returns 1 if this wait polls.
static inline int bl_busy_poll_should_poll(struct bl_busy_poll *poll) {
    if (poll->window == 0) return 0;
    if (poll->skip == 0) return 1;
    poll->skip--;
    return 0;
}

// Records the result of a wait that polled.
static inline void bl_busy_poll_record(struct bl_busy_poll *poll, int found, unsigned polls) {
    if (!found) {
        poll->step = poll->step == 0 ? BL_FIRST_STEP : poll->step < BL_LAST_STEP ? poll->step * 2 : BL_LAST_STEP;
        poll->skip = poll->step;
    } else if (polls > 1) {
        poll->step = 0;
    } else {
        poll->skip = poll->step;
    }
}

#endif
