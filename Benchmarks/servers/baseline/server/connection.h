// One caller. An idle connection costs this struct and nothing else.
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stddef.h>
#include <sys/socket.h>

struct connection {
    int descriptor;
    struct ucred caller;
    unsigned char *input;  // the beginning of a frame that is not all there yet
    size_t input_count;
    unsigned char *output;  // answers that the caller has not taken yet
    size_t output_count;
};

// NULL, and the descriptor is closed, if the kernel does not say who it is.
struct connection *connection_open(int descriptor);
void connection_close(struct connection *connection);

// Receives once and answers every whole request; -1 when the connection is over.
int connection_readable(struct connection *connection);

// Sends what is left; -1 when the connection is over.
int connection_writable(struct connection *connection);

#endif
