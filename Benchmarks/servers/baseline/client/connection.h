// One connection, and when its calls that are not answered yet began.
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stddef.h>
#include <stdint.h>

#include "bl_busy_poll.h"

enum { MAX_OUTSTANDING = 128 };

struct connection {
    int descriptor;
    unsigned char *input;
    size_t input_count, input_room;
    uint64_t starts[MAX_OUTSTANDING]; // by id, less one
};

// -1 where nobody listens, and errno says why.
int connection_open(const char *path);

// Ends the process where there is no memory.
void connection_init(struct connection *connection, int descriptor, int outstanding);

// Ends the process where the connection does.
void connection_send(struct connection *connection, const unsigned char *bytes, size_t count);

// Receives once, and waits for it: by polling at first, if that pays. Ends the process where the connection ends.
void connection_receive(struct connection *connection, struct bl_busy_poll *poll);

// Forgets what was read.
void connection_consume(struct connection *connection, size_t count);

#endif
