// What a connection and the exchange of messages on it know of each other.
#ifndef RLIMITD_CONNECTION_H
#define RLIMITD_CONNECTION_H

#include "internal.h"

int fail_deadline(const struct rlimitd *agent, struct rlimitd_error *error);
// What call failed, with its errno or 0.
int fail_connection_lost(const struct rlimitd *agent, struct rlimitd_error *error, const char *call, int number);
int fail_not_rlimitd(const struct rlimitd *agent, struct rlimitd_error *error, const char *reason);

// Memory from the kernel; NULL without.
unsigned char *map_memory(size_t size);
void replace_buffer(struct buffer *buffer, unsigned char *bytes, size_t size, bool is_mapped);
// A message, which lasts until the next. NULL, with an error, where that takes more than any agent needs.
const Response *decode_response(struct rlimitd *agent, const unsigned char *bytes, size_t count, struct rlimitd_error *error);
// Gives back what a large answer took.
void release_buffers(struct rlimitd *agent);
void disconnect(struct rlimitd *agent);

enum exchange_outcome {
    EXCHANGE_DONE,
    EXCHANGE_FAILED,      // what the agent answered, or why nobody waits for that any more
    EXCHANGE_NOT_SENT,      // the connection ended before the agent had all of it: it cannot have acted
    EXCHANGE_NOT_ANSWERED,  // the connection ended before the answer came: the agent may have acted
};

// Sends a request on the open connection and waits for its answer.
enum exchange_outcome exchange(struct rlimitd *agent, struct agent_request *agent_request, uint64_t deadline, struct rlimitd_error *error);

#endif
