// Checks of edits that need neither the kernel nor the agent.
#ifndef RLIMITD_EDIT_CHECKS_H
#define RLIMITD_EDIT_CHECKS_H

#include "rlimitd.h"

// -1 with INVALID_ARGUMENT or INVALID_RESOURCE.
int require_edits(const struct rlimitd_edit *edits, size_t count, struct rlimitd_error *error);
// -1 with UNSUPPORTED if a resource cannot be leased.
int require_leasable(const struct rlimitd_edit *edits, size_t count, struct rlimitd_error *error);

#endif
