// Many calls, over some connections with some calls outstanding on each.
#ifndef SWEEP_H
#define SWEEP_H

#include "lane.h"
#include "samples.h"
#include "talk.h"

struct sweep {
    struct talk *talk;
    struct lane *lanes;
    int lane_count;
    int outstanding;
    int poller; // -1 with one lane, which is simply read
    struct bl_busy_poll poll;
    struct samples *samples; // NULL while it warms up
    long to_begin, under_way;
};

// Makes so many calls and waits for all of them; begins no more once the deadline of the samples is over.
void sweep_calls(struct sweep *sweep, long calls);

#endif
