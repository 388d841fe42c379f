// What each edit of a batch leads to, and in which order the edits are applied.
#ifndef RLIMITD_EDIT_PLAN_H
#define RLIMITD_EDIT_PLAN_H

#include "edit/numeric_edit.h"

struct plan_item {
    int index;  // in the batch
    struct numeric_edit edit;
    struct rlimitd_limit now, wanted;
};

struct edit_plan {
    size_t count;
    struct plan_item items[RLIMITD_EDITS];
    struct plan_item *order[RLIMITD_EDITS];  // the order of application, in which a failed batch can be undone
};

// -1 with SOFT_EXCEEDS_HARD or CONFLICT.
int plan_edits(struct edit_plan *plan, const struct numeric_edit *edits, size_t count, const struct rlimitd_limits *now,
               struct rlimitd_error *error);

bool raises(const struct plan_item *item);
bool lowers(const struct plan_item *item);
// The limit that results from applying an edit to the limit `now`; -1 with SOFT_EXCEEDS_HARD.
int planned_limit(const struct numeric_edit *edit, struct rlimitd_limit now, int index, struct rlimitd_limit *limit,
                  struct rlimitd_error *error);
int fail_conflict(struct rlimitd_error *error, int resource, struct rlimitd_limit now, struct rlimitd_limit expected,
                  int index);
// The first edit that only the agent can make, because the kernel has no compare-and-set; or NULL.
const struct plan_item *find_compare_and_set(const struct edit_plan *plan);
// The part of an edit that the agent is asked for: all of it, or only the raised half if the other half is lowered.
struct numeric_edit agent_part(const struct plan_item *item);

#endif
