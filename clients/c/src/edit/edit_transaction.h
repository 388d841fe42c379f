// Applies a batch of edits by the kernel and the agent, all or none.
#ifndef RLIMITD_EDIT_TRANSACTION_H
#define RLIMITD_EDIT_TRANSACTION_H

#include "edit/edit_operation.h"
#include "edit/numeric_edit.h"

// Applies the edits of an operation, given as numbers, to the limits `now`.
int run_edit_transaction(struct edit_operation *operation, const struct numeric_edit *edits,
                         const struct rlimitd_limits *now, struct rlimitd_error *error);

#endif
