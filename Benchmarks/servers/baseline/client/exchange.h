// The messages of a connection: the request of the benchmark, and the contents of its responses.
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <stddef.h>
#include <stdint.h>

struct exchange {
    int pid;       // 0 for the client itself
    int set;       // 0 gets the limit of open files
    uint64_t present; // for a set: the present soft limit; every other call sets one less
    unsigned turn;
    uint64_t soft, hard; // of the last response
    long errors;
};

// The maximum size of a request.
enum { EXCHANGE_MAX_REQUEST = 64 };

// Writes the frame of a request and returns its size.
size_t exchange_encode(struct exchange *exchange, uint64_t id, unsigned char *out);

// Decodes the message of a response and returns its id.
uint64_t exchange_decode(struct exchange *exchange, const unsigned char *message, size_t length);

#endif
