// One request and its response on an open connection.
#ifndef RLIMITD_EXCHANGE_H
#define RLIMITD_EXCHANGE_H

#include "connection/connection.h"

enum exchange_outcome {
    EXCHANGE_DONE,
    EXCHANGE_FAILED,        // the agent's answer is an error, or the client stopped waiting
    EXCHANGE_NOT_SENT,      // the connection ended before the agent had the whole request, so it cannot have acted
    EXCHANGE_NOT_ANSWERED,  // the connection ended before the response came: the agent may have acted
};

enum exchange_outcome exchange(struct rlimitd *agent, struct agent_request *agent_request, uint64_t deadline,
                               struct rlimitd_error *error);

#endif
