// How the requests of a connection name another process. The agent's server_info decides.
//
// The agent takes no descriptor from a caller without a rule. In the agent's own PID namespace the client therefore sends
// the pid. It holds a pidfd of the process during the call: as long as that process has not been reaped, the pid belongs
// to no other one.
#ifndef RLIMITD_PROCESS_NAMING_H
#define RLIMITD_PROCESS_NAMING_H

#include "connection/exchange.h"

// Bits of `rlimitd.naming`; 0 before the first request about another process.
enum {
    NAMING_IS_KNOWN = 1,
    NAMING_BY_PID = 2,    // the caller is in the agent's own PID namespace, and the agent compares identities
    NAMING_BY_PIDFD = 4,  // the agent receives pidfds from the caller
};

// As `exchange`, for a request whose target is held by a pidfd.
enum exchange_outcome exchange_about_process(struct rlimitd *agent, struct agent_request *agent_request,
                                             uint64_t deadline, struct rlimitd_error *error);

#endif
