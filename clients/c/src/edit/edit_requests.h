// The requests that an edit operation sends to the agent.
#ifndef RLIMITD_EDIT_REQUESTS_H
#define RLIMITD_EDIT_REQUESTS_H

#include "edit/edit_operation.h"
#include "edit/numeric_edit.h"

// Reads limits of a process.
int call_get_limits(struct rlimitd *agent, const struct resolved_target *resolved, uint32_t resources,
                    uint64_t deadline, struct rlimitd_limits *limits, struct rlimitd_error *error);
// Applies edits, or leases them. The changes are in the order of the edits.
int call_set(struct edit_operation *operation, const struct numeric_edit *edits, size_t count,
             struct rlimitd_change *changes, struct rlimitd_error *error);
int call_explain_set(struct edit_operation *operation, const struct numeric_edit *edits, struct rlimitd_error *error);

struct max_limits_decoder {
    uint64_t max[RLIMITD_RESOURCES];  // by RLIMIT_*
};

// The maximum hard limits that policy grants, or the present ones.
int call_get_max_limits(struct edit_operation *operation, uint32_t resources, struct max_limits_decoder *decoder,
                        struct rlimitd_error *error);

// Whether this error means that the agent changed nothing and will not help either.
bool changed_nothing(enum rlimitd_code code);

#endif
