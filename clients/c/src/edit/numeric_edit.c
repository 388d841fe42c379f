// What an edit says, and what of it can be worked out without asking anybody.
#include "internal.h"

#include <inttypes.h>
#include <string.h>

typedef struct rlimitd_limit Limit;

static bool uses_kind(const struct rlimitd_edit *edit, enum rlimitd_value_kind kind) {
    if (edit->both.kind != RLIMITD_KEEP) return edit->both.kind == kind;
    return edit->soft.kind == kind || edit->hard.kind == kind;
}

bool edit_needs_current(const struct rlimitd_edit *edit) {
    return (edit->both.kind != RLIMITD_KEEP && edit->mode == RLIMITD_EXACT) || uses_kind(edit, RLIMITD_HARD);
}

bool edit_needs_max(const struct rlimitd_edit *edit) { return uses_kind(edit, RLIMITD_MOST); }

static struct numeric_edit start_numeric_edit(const struct rlimitd_edit *edit) {
    return (struct numeric_edit){.resource = edit->resource, .mode = edit->mode, .has_expect = edit->has_expect,
                                 .expect = edit->expect};
}

static uint64_t resolve_value(struct rlimitd_value value, Limit now, uint64_t max) {
    return value.kind == RLIMITD_HARD ? now.hard : value.kind == RLIMITD_MOST ? max : value.number;
}

struct numeric_edit resolve_edit(const struct rlimitd_edit *edit, Limit now, uint64_t max) {
    struct numeric_edit number = start_numeric_edit(edit);
    if (edit->both.kind != RLIMITD_KEEP) {
        number.has_soft = true;
        number.soft = number.hard = resolve_value(edit->both, now, max);
        // The other two modes never lower by themselves; exactly, only a hard limit below is touched.
        number.has_hard = edit->mode != RLIMITD_EXACT || number.hard > now.hard;
        return number;
    }
    number.has_soft = edit->soft.kind != RLIMITD_KEEP;
    number.has_hard = edit->hard.kind != RLIMITD_KEEP;
    if (number.has_soft) number.soft = resolve_value(edit->soft, now, max);
    if (number.has_hard) number.hard = resolve_value(edit->hard, now, max);
    return number;
}

// "The hard limit there is" and "the most there is" are said as CLAMP to infinity, which stops at just these.
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
        // The hard half stays.
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

static int fail_edit(struct rlimitd_error *error, enum rlimitd_code code, int resource, int index, const char *text) {
    fail(error, code, "%s", text);
    error->resource = resource;
    error->edit_index = index;
    return -1;
}

int require_edits(const struct rlimitd_edit *edits, size_t count, struct rlimitd_error *error) {
    uint32_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        const struct rlimitd_edit *edit = &edits[i];
        int index = (int)i;
        if (require_resource(edit->resource, index, error) != 0) return -1;
        const char *name = rlimitd_resource_name(edit->resource);
        if (seen >> edit->resource & 1) {
            fail_edit(error, RLIMITD_INVALID_ARGUMENT, edit->resource, index, name);
            append_message(error, " is named twice; one batch may change each resource once");
            return -1;
        }
        seen |= 1u << edit->resource;
        if (edit->mode > RLIMITD_CLAMP || edit->soft.kind > RLIMITD_MOST || edit->hard.kind > RLIMITD_MOST ||
            edit->both.kind > RLIMITD_MOST) {
            fail_edit(error, RLIMITD_INVALID_ARGUMENT, edit->resource, index, "the edit of ");
            append_message(error, "%s has a mode or a value of an unknown kind", name);
            return -1;
        }
        bool is_single = edit->both.kind != RLIMITD_KEEP;
        bool is_halves = edit->soft.kind != RLIMITD_KEEP || edit->hard.kind != RLIMITD_KEEP;
        if (is_single == is_halves) {
            fail_edit(error, RLIMITD_INVALID_ARGUMENT, edit->resource, index, "the edit of ");
            append_message(error, is_single ? "%s gives both together and a half besides" : "%s gives neither a soft nor a hard limit",
                   name);
            return -1;
        }
    }
    return 0;
}
