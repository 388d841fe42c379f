// Connects to the agent's socket.
#ifndef RLIMITD_AGENT_SOCKET_H
#define RLIMITD_AGENT_SOCKET_H

#include "connection/connection.h"

int connect_agent(struct rlimitd *agent, uint64_t deadline, struct rlimitd_error *error);

#endif
