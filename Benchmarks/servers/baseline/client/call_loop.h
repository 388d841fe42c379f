// Many calls, over some connections with some calls outstanding on each.
#ifndef CALL_LOOP_H
#define CALL_LOOP_H

#include "connection.h"
#include "samples.h"
#include "exchange.h"

struct call_loop {
    struct exchange *exchange;
    struct connection *connections;
    int connection_count;
    int outstanding;
    int poller; // -1 with one lane, which is simply read
    struct bl_busy_poll poll;
    struct samples *samples; // NULL while it warms up
    long remaining, in_flight;
};

// Makes so many calls and waits for all of them; begins no more once the deadline of the samples is over.
void call_loop_run(struct call_loop *call_loop, long calls);

#endif
