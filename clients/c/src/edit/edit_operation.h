// A batch of edits: applied, leased or explained.
#ifndef RLIMITD_EDIT_OPERATION_H
#define RLIMITD_EDIT_OPERATION_H

#include "connection/connection.h"
#include "kernel/resolved_target.h"
#include "rlimitd.h"

struct edit_operation {
    struct rlimitd *agent;
    const struct resolved_target *resolved;
    const struct rlimitd_edit *edits;
    size_t count;
    uint64_t deadline;
    bool is_explain;
    bool is_lease;
    uint64_t lease_ms;
    // The outcome.
    const void *result;  // owns the texts of the changes; NULL: the texts are left out
    struct rlimitd_change changes[RLIMITD_EDITS];
    struct rlimitd_lease lease;
    struct rlimitd_explanation *explanation;
};

// Resolves the edits to numbers. Then the kernel and the agent apply them, or the agent leases or explains them.
int run_edit_operation(struct edit_operation *operation, struct rlimitd_error *error);

#endif
