#include "edit/numeric_edit.h"

typedef struct rlimitd_limit Limit;

static bool uses_kind(const struct rlimitd_edit *edit, enum rlimitd_value_kind kind) {
    if (edit->both.kind != RLIMITD_KEEP) return edit->both.kind == kind;
    return edit->soft.kind == kind || edit->hard.kind == kind;
}

bool edit_needs_current(const struct rlimitd_edit *edit) {
    return (edit->both.kind != RLIMITD_KEEP && edit->mode == RLIMITD_EXACT) || uses_kind(edit, RLIMITD_HARD);
}

bool edit_needs_max(const struct rlimitd_edit *edit) { return uses_kind(edit, RLIMITD_MOST); }

struct numeric_edit start_numeric_edit(const struct rlimitd_edit *edit) {
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
        // AT_LEAST and CLAMP never lower. EXACT touches the hard limit only if it is below.
        number.has_hard = edit->mode != RLIMITD_EXACT || number.hard > now.hard;
        return number;
    }
    number.has_soft = edit->soft.kind != RLIMITD_KEEP;
    number.has_hard = edit->hard.kind != RLIMITD_KEEP;
    if (number.has_soft) number.soft = resolve_value(edit->soft, now, max);
    if (number.has_hard) number.hard = resolve_value(edit->hard, now, max);
    return number;
}
