// What a connection and the exchange of messages on it know of each other.
#ifndef RLIMITD_CONNECTION_H
#define RLIMITD_CONNECTION_H

#include "internal.h"

int fail_late(const struct rlimitd *agent, struct rlimitd_error *error);
// What call failed, with its errno or 0.
int fail_lost(const struct rlimitd *agent, struct rlimitd_error *error, const char *call, int number);
int fail_no_agent(const struct rlimitd *agent, struct rlimitd_error *error, const char *why);

// Memory from the kernel; NULL without.
unsigned char *map_memory(size_t size);
void replace(struct space *space, unsigned char *bytes, size_t size, bool is_mapped);
// A message, which lasts until the next. NULL, with an error, where that takes more than any agent needs.
const Response *unpack(struct rlimitd *agent, const unsigned char *bytes, size_t count, struct rlimitd_error *error);
// Gives back what a large answer took.
void shrink(struct rlimitd *agent);
void hang_up(struct rlimitd *agent);

enum ending {
    DONE,
    FAILED,      // what the agent answered, or why nobody waits for that any more
    UNSENT,      // the connection ended before the agent had all of it: it cannot have acted
    UNANSWERED,  // the connection ended before the answer came: the agent may have acted
};

// Sends a request on the open connection and waits for its answer.
enum ending exchange(struct rlimitd *agent, struct inquiry *inquiry, uint64_t deadline, struct rlimitd_error *error);

#endif
