// An edit whose halves are numbers, as the protocol and prlimit(2) take it.
#ifndef RLIMITD_NUMERIC_EDIT_H
#define RLIMITD_NUMERIC_EDIT_H

#include "rlimitd.h"

struct numeric_edit {
    int resource;
    enum rlimitd_mode mode;
    bool has_soft, has_hard, has_expect;
    uint64_t soft, hard;
    struct rlimitd_limit expect;
};

// Whether the numbers depend on the present limits, or on the maximum that policy grants.
bool edit_needs_current(const struct rlimitd_edit *edit);
bool edit_needs_max(const struct rlimitd_edit *edit);
struct numeric_edit resolve_edit(const struct rlimitd_edit *edit, struct rlimitd_limit now, uint64_t max);
// The resource, mode and expected limit of an edit, without its halves.
struct numeric_edit start_numeric_edit(const struct rlimitd_edit *edit);

#endif
