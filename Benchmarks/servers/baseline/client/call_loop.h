// Many calls over a number of connections with a number of outstanding calls each.
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
    int poller; // -1 with one lane, which needs no poller
    struct bl_busy_poll poll;
    struct samples *samples; // NULL during the warm-up
    long remaining, in_flight;
};

// Makes a number of calls and waits for all of them. Begins no call after the deadline of the samples.
void call_loop_run(struct call_loop *call_loop, long calls);

#endif
