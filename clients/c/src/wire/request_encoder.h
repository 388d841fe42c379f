// Fills in the messages of requests. The structs ending in `_message` hold a message and the parts that it points to.
#ifndef RLIMITD_REQUEST_ENCODER_H
#define RLIMITD_REQUEST_ENCODER_H

#include "edit/numeric_edit.h"
#include "kernel/resolved_target.h"
#include "rlimitd.pb-c.h"

struct edit_message {
    Rlimitd__V1__Edit edit;
    Rlimitd__V1__Limit expect;
};

struct set_message {
    Rlimitd__V1__Set set;
    Rlimitd__V1__Lease lease;
    Rlimitd__V1__Target target;
    Rlimitd__V1__Empty empty;
    struct edit_message edits[RLIMITD_EDITS];
    Rlimitd__V1__Edit *entries[RLIMITD_EDITS];
};

struct get_message {
    Rlimitd__V1__Get get;
    Rlimitd__V1__Target target;
    Rlimitd__V1__Empty empty;
    Rlimitd__V1__Resource resources[RLIMITD_RESOURCES];
};

// NULL for the calling process, which a request names by having no target.
Rlimitd__V1__Target *encode_target(const struct resolved_target *resolved, Rlimitd__V1__Target *message,
                                   Rlimitd__V1__Empty *empty);
void encode_get(struct get_message *storage, const struct resolved_target *resolved, uint32_t resources);
// `lease_ms` is NULL for a change without a lease.
void encode_set(struct set_message *storage, const struct resolved_target *resolved, const struct numeric_edit *edits,
                size_t count, const uint64_t *lease_ms);
void encode_prlimit(Rlimitd__V1__Prlimit *message, Rlimitd__V1__Limit *limit, int resource,
                    const struct rlimitd_limit *new_limit);
void encode_usage(Rlimitd__V1__GetUsage *message, enum rlimitd_scope scope, pid_t thread);
// -1 with INVALID_ARGUMENT.
int encode_lease_id(const struct rlimitd_lease_id *id, ProtobufCBinaryData *data, struct rlimitd_error *error);

#endif
