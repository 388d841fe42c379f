// Decodes what the agent reports about itself: 0, or -1 with an error.
#ifndef RLIMITD_SERVER_DECODER_H
#define RLIMITD_SERVER_DECODER_H

#include "rlimitd.h"
#include "wire/protocol.h"

// `destination` is a struct rlimitd_server_info or rlimitd_stats.
int decode_server_info(void *destination, const Response *part, bool is_first, struct rlimitd_error *error);
int decode_stats(void *destination, const Response *part, bool is_first, struct rlimitd_error *error);

#endif
