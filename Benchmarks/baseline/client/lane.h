// One connection, and when its calls that are not answered yet began.
#ifndef LANE_H
#define LANE_H

#include <stddef.h>
#include <stdint.h>

#include "bl_busy_poll.h"

enum { LANE_OUTSTANDING = 128 };

struct lane {
    int descriptor;
    unsigned char *input;
    size_t input_count, input_room;
    uint64_t starts[LANE_OUTSTANDING]; // by id, less one
};

// -1 where nobody listens, and errno says why.
int lane_connect(const char *path);

// Ends the process where there is no memory.
void lane_init(struct lane *lane, int descriptor, int outstanding);

// Ends the process where the connection does.
void lane_send(struct lane *lane, const unsigned char *bytes, size_t count);

// Receives once, and waits for it: by polling at first, if that pays. Ends the process where the connection ends.
void lane_receive(struct lane *lane, struct bl_busy_poll *poll);

// Forgets what was read.
void lane_consume(struct lane *lane, size_t count);

#endif
