// Decodes responses into an arena, which bounds the memory that an agent can make a client use.
#ifndef RLIMITD_RESPONSE_ARENA_H
#define RLIMITD_RESPONSE_ARENA_H

#include "connection/connection.h"

// The response lasts until the next one. NULL with an error if it needs more memory than any agent's response does.
const Response *decode_response(struct rlimitd *agent, const unsigned char *bytes, size_t count,
                                struct rlimitd_error *error);

#endif
