#include "edit/edit_plan.h"

#include "model/error.h"
#include "model/limit.h"

static bool raises_hard(const struct plan_item *item) { return item->wanted.hard > item->now.hard; }
bool raises(const struct plan_item *item) { return raises_hard(item) || item->wanted.soft > item->now.soft; }
static bool lowers_hard(const struct plan_item *item) { return item->wanted.hard < item->now.hard; }
bool lowers(const struct plan_item *item) { return lowers_hard(item) || item->wanted.soft < item->now.soft; }

// Edits that may be refused come first. Lowered hard limits come last, because an unprivileged process cannot raise
// them again.
static int rank(const struct plan_item *item) {
    return raises_hard(item) ? 0 : lowers_hard(item) ? 3 : lowers(item) ? 2 : 1;
}

int planned_limit(const struct numeric_edit *edit, Limit now, int index, Limit *limit, struct rlimitd_error *error) {
    *limit = now;
    bool is_exact = edit->mode == RLIMITD_EXACT;
    if (edit->has_soft) limit->soft = is_exact ? edit->soft : max_of(edit->soft, now.soft);
    if (edit->has_hard) limit->hard = is_exact ? edit->hard : max_of(edit->hard, now.hard);
    if (edit->mode == RLIMITD_CLAMP) limit->soft = min_of(limit->soft, limit->hard);
    return require_ordered(*limit, edit->resource, index, error);
}

int fail_conflict(struct rlimitd_error *error, int resource, Limit now, Limit expected, int index) {
    char now_text[LIMIT_TEXT_SIZE], expected_text[LIMIT_TEXT_SIZE];
    fail(error, RLIMITD_CONFLICT, "%s is %s and not %s as expected", rlimitd_resource_name(resource),
         format_limit(now, now_text), format_limit(expected, expected_text));
    error->resource = resource;
    error->edit_index = index;
    return -1;
}

int plan_edits(struct edit_plan *plan, const struct numeric_edit *edits, size_t count, const struct rlimitd_limits *now,
               struct rlimitd_error *error) {
    plan->count = count;
    for (size_t i = 0; i < plan->count; i++) {
        struct plan_item *item = &plan->items[i];
        *item = (struct plan_item){.index = (int)i, .edit = edits[i], .now = now->of[edits[i].resource]};
        if (planned_limit(&item->edit, item->now, item->index, &item->wanted, error) != 0) return -1;
        if (item->edit.has_expect && !limits_are_equal(item->edit.expect, item->now)) {
            return fail_conflict(error, item->edit.resource, item->now, item->edit.expect, item->index);
        }
    }
    size_t i = 0;
    for (int wanted = 0; wanted < 4; wanted++) {
        for (size_t index = 0; index < plan->count; index++) {
            if (rank(&plan->items[index]) == wanted) plan->order[i++] = &plan->items[index];
        }
    }
    return 0;
}

const struct plan_item *find_compare_and_set(const struct edit_plan *plan) {
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->items[i].edit.has_expect && raises(&plan->items[i])) return &plan->items[i];
    }
    return NULL;
}

struct numeric_edit agent_part(const struct plan_item *item) {
    if (!lowers(item)) return item->edit;
    struct numeric_edit part = item->edit;
    part.mode = RLIMITD_EXACT;
    part.has_soft = item->wanted.soft > item->now.soft;
    part.soft = item->wanted.soft;
    part.has_hard = raises_hard(item);
    part.hard = item->wanted.hard;
    return part;
}
