// One connection. An idle one takes only the memory of this struct.
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stddef.h>
#include <sys/socket.h>

struct connection {
    int descriptor;
    struct ucred caller;
    unsigned char *input;  // the first bytes of an incomplete frame
    size_t input_count;
    unsigned char *output;  // unsent responses
    size_t output_count;
};

// Closes the descriptor and returns NULL if the kernel gives no credentials of the peer.
struct connection *connection_open(int descriptor);
void connection_close(struct connection *connection);

// Receives once and handles every complete request. Returns -1 at the end of the connection.
int connection_readable(struct connection *connection);

// Sends the unsent responses. Returns -1 at the end of the connection.
int connection_writable(struct connection *connection);

#endif
