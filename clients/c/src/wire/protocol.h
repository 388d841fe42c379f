// The bounds of the protocol, and short names for its messages.
#ifndef RLIMITD_PROTOCOL_H
#define RLIMITD_PROTOCOL_H

#include "rlimitd.pb-c.h"

typedef Rlimitd__V1__Request Request;
typedef Rlimitd__V1__Response Response;

#define MAX_PID 4194304
#define MAX_REQUEST_SIZE 4096
#define MAX_RESPONSE_SIZE 65536
#define MAX_TIMEOUT_MS 3600000u
#define MAX_LEASE_MS 31536000000u
#define MAX_PATH_LENGTH 1024

#endif
