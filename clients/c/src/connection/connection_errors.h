// Errors that name the agent's socket. Every function returns -1.
#ifndef RLIMITD_CONNECTION_ERRORS_H
#define RLIMITD_CONNECTION_ERRORS_H

#include "connection/connection.h"

int fail_deadline(const struct rlimitd *agent, struct rlimitd_error *error);
// `number` is the errno of the failed call, or 0.
int fail_connection_lost(const struct rlimitd *agent, struct rlimitd_error *error, const char *call, int number);
int fail_not_rlimitd(const struct rlimitd *agent, struct rlimitd_error *error, const char *reason);
int fail_wrong_response(const struct rlimitd *agent, struct rlimitd_error *error);
int fail_unreachable(const struct rlimitd *agent, struct rlimitd_error *error, const char *call, int number);
// The agent accepted two connections and closed both before it had read the request. `error` holds the last failure.
int fail_disconnected_twice(const struct rlimitd *agent, struct rlimitd_error *error);

#endif
