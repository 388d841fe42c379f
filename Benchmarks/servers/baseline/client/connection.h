// One connection and the starts of its outstanding calls.
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
    uint64_t starts[MAX_OUTSTANDING]; // the index is the id less one
};

// Returns -1 with errno if the connection fails.
int connection_open(const char *path);

// Ends the process if memory is exhausted.
void connection_init(struct connection *connection, int descriptor, int outstanding);

// Ends the process at the end of the connection.
void connection_send(struct connection *connection, const unsigned char *bytes, size_t count);

// Waits for bytes and receives once, and can poll before it sleeps. Ends the process at the end of the connection.
void connection_receive(struct connection *connection, struct bl_busy_poll *poll);

// Removes the bytes that were read.
void connection_consume(struct connection *connection, size_t count);

#endif
