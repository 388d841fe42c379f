// What is said on a connection: the request of the benchmark, and what its answers tell.
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <stddef.h>
#include <stdint.h>

struct exchange {
    int pid;       // 0 for ourselves
    int set;       // 0 asks for open files
    uint64_t present; // of a set: the soft limit as it was; every other call sets one less
    unsigned turn;
    uint64_t soft, hard; // what the last answer told
    long errors;
};

// The room that a request takes at most.
enum { EXCHANGE_MAX_REQUEST = 64 };

// Writes the frame of a request; its bytes.
size_t exchange_encode(struct exchange *exchange, uint64_t id, unsigned char *out);

// Reads the message of an answer; its id.
uint64_t exchange_decode(struct exchange *exchange, const unsigned char *message, size_t length);

#endif
