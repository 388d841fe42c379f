// Changes limits for the calls of rlimitd.h.
#ifndef RLIMITD_LIMITS_H
#define RLIMITD_LIMITS_H

#include "api/call.h"
#include "edit/edit_operation.h"

// Applies edits. `changes` may be NULL. `operation` is the caller's, because it holds the changes.
int apply_edits(struct call *call, const struct rlimitd_edit *edits, size_t count, struct rlimitd_changes *changes,
                struct edit_operation *operation);

#endif
