#ifndef ANSWER_H
#define ANSWER_H

#include <stddef.h>
#include <sys/socket.h>

// Performs one request for the peer that the kernel named at connect, and writes the frame of the response. Returns its
// size, or 0 for an invalid request.
size_t answer(const struct ucred *caller, const unsigned char *request, size_t length, unsigned char *out, size_t room);

#endif
