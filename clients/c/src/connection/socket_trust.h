// Whether the agent's socket can be trusted.
#ifndef RLIMITD_SOCKET_TRUST_H
#define RLIMITD_SOCKET_TRUST_H

#include "rlimitd.h"

// -1 with UNTRUSTED_SOCKET; or -1 with the code OK and an errno in `number` if the path cannot be inspected.
int require_trusted_socket(const char *path, int *number, struct rlimitd_error *error);

#endif
