// Rejects responses that protobuf-c would accept although no agent sends them.
#ifndef RLIMITD_STRICT_VALIDATOR_H
#define RLIMITD_STRICT_VALIDATOR_H

#include <stddef.h>
#include <stdint.h>

// Validates the bytes of a response before protobuf-c reads them: 0, or -1 with the reason. Sets `id` to the
// response's.
int validate_response(const unsigned char *bytes, size_t count, uint64_t *id, char *reason, size_t reason_size);

#endif
