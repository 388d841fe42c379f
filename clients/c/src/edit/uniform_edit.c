#include "edit/uniform_edit.h"

#include "model/error.h"
#include "model/limit.h"

// "hard" and "max" become a CLAMP to infinity, which stops at the present hard limit or at the maximum.
int make_uniform_edit(const struct rlimitd_edit *edit, int index, struct numeric_edit *uniform, bool *symbolic,
                      struct rlimitd_error *error) {
    enum rlimitd_value_kind both = edit->both.kind, soft = edit->soft.kind, hard = edit->hard.kind;
    bool is_single = both != RLIMITD_KEEP;
    bool soft_to_hard = is_single ? both == RLIMITD_HARD
                                  : soft == RLIMITD_HARD && (hard == RLIMITD_KEEP || hard == RLIMITD_HARD);
    *uniform = start_numeric_edit(edit);
    *symbolic = edit_needs_max(edit) || soft_to_hard;
    if (*symbolic) uniform->mode = RLIMITD_CLAMP;
    bool soft_given = false, hard_given = false;
    if (is_single && both == RLIMITD_NUMBER && edit->mode != RLIMITD_EXACT) {
        soft_given = hard_given = true;
        uniform->soft = uniform->hard = edit->both.number;
    } else if ((is_single && both == RLIMITD_MOST) || (!is_single && soft == RLIMITD_MOST && hard == RLIMITD_MOST)) {
        soft_given = hard_given = true;
        uniform->soft = uniform->hard = RLIMITD_INFINITY;
    } else if (!is_single && soft == RLIMITD_KEEP && hard == RLIMITD_MOST) {
        hard_given = true;
        uniform->hard = RLIMITD_INFINITY;
    } else if (soft_to_hard) {
        soft_given = true;
        uniform->soft = RLIMITD_INFINITY;
    } else if (!is_single && soft == RLIMITD_NUMBER && hard == RLIMITD_HARD) {
        // "hard" as the hard half keeps it.
        soft_given = true;
        uniform->soft = edit->soft.number;
    } else if (!is_single && (soft == RLIMITD_NUMBER || soft == RLIMITD_KEEP) &&
               (hard == RLIMITD_NUMBER || hard == RLIMITD_KEEP) && (soft != RLIMITD_KEEP || hard != RLIMITD_KEEP)) {
        soft_given = soft == RLIMITD_NUMBER;
        hard_given = hard == RLIMITD_NUMBER;
        uniform->soft = edit->soft.number;
        uniform->hard = edit->hard.number;
    }
    uniform->has_soft = soft_given;
    uniform->has_hard = hard_given;
    if (soft_given || hard_given) return 0;
    const char *name = rlimitd_resource_name(edit->resource);
    char text[LIMIT_TEXT_SIZE];
    if (is_single && both == RLIMITD_NUMBER) {
        const char *bound = format_bound(edit->both.number, text);
        fail(error, RLIMITD_UNSUPPORTED,
             "%s=%s would come to different limits in the processes of a cgroup, by the hard limit that each has: say both "
             "halves (%s:%s), soft alone (%s:), or raise to at least that",
             name, bound, bound, bound, bound);
    } else {
        fail(error, RLIMITD_UNSUPPORTED,
             "for the processes of a cgroup, \"hard\" and \"max\" can be said of both halves of %s together, and not beside "
             "another value",
             name);
    }
    error->resource = edit->resource;
    error->edit_index = index;
    return -1;
}
