#ifndef ANSWER_H
#define ANSWER_H

#include <stddef.h>
#include <sys/socket.h>

// Carries out one request for whom the kernel named at connect, and writes the frame of its answer; the bytes written, or 0
// for what is no request.
size_t answer(const struct ucred *caller, const unsigned char *request, size_t length, unsigned char *out, size_t room);

#endif
