// A batch against the limits that were read just before, made by the kernel first, then by the agent for all that raises, and last
// what is lowered here. All or nothing: what was made before a refusal is taken back.
#include "internal.h"

#include <string.h>

typedef struct rlimitd_limit Limit;

static uint64_t least(uint64_t left, uint64_t right) { return left < right ? left : right; }
static uint64_t greatest(uint64_t left, uint64_t right) { return left > right ? left : right; }
static bool are_equal(Limit left, Limit right) { return left.soft == right.soft && left.hard == right.hard; }

// ---- What each edit leads to

struct item {
    int index;  // in the batch
    struct numeric_edit edit;
    Limit now, wanted;
};

struct run {
    const struct course *course;
    size_t count;
    struct item items[RLIMITD_EDITS];
    struct item *order[RLIMITD_EDITS];  // in which they can be made and still be taken back
    struct rlimitd_change changes[RLIMITD_EDITS];
    bool is_changed[RLIMITD_EDITS];
    // In the order in which they were made: each edit thrice at most, where somebody else keeps changing the limits.
    struct rlimitd_change made[3 * RLIMITD_EDITS];
    size_t made_count;
};

static bool raises_hard(const struct item *item) { return item->wanted.hard > item->now.hard; }
static bool raises(const struct item *item) { return raises_hard(item) || item->wanted.soft > item->now.soft; }
static bool lowers_hard(const struct item *item) { return item->wanted.hard < item->now.hard; }
static bool lowers(const struct item *item) { return lowers_hard(item) || item->wanted.soft < item->now.soft; }

// What may be refused first, a hard limit that can never be raised again last.
static int rank(const struct item *item) {
    return raises_hard(item) ? 0 : lowers_hard(item) ? 3 : lowers(item) ? 2 : 1;
}

static int outcome(const struct numeric_edit *edit, Limit now, int index, Limit *limit, struct rlimitd_error *error) {
    *limit = now;
    bool is_exact = edit->mode == RLIMITD_EXACT;
    if (edit->has_soft) limit->soft = is_exact ? edit->soft : greatest(edit->soft, now.soft);
    if (edit->has_hard) limit->hard = is_exact ? edit->hard : greatest(edit->hard, now.hard);
    if (edit->mode == RLIMITD_CLAMP) limit->soft = least(limit->soft, limit->hard);
    if (limit->soft <= limit->hard) return 0;
    char soft[LIMIT_TEXT_SIZE], hard[LIMIT_TEXT_SIZE];
    fail(error, RLIMITD_SOFT_EXCEEDS_HARD, "%s: soft %s is above hard %s", rlimitd_resource_name(edit->resource),
         bound_text(limit->soft, soft), bound_text(limit->hard, hard));
    error->resource = edit->resource;
    error->edit_index = index;
    return -1;
}

static int fail_conflict(struct rlimitd_error *error, int resource, Limit now, Limit expected, int index) {
    char is[LIMIT_TEXT_SIZE], not_[LIMIT_TEXT_SIZE];
    fail(error, RLIMITD_CONFLICT, "%s is %s and not %s as expected", rlimitd_resource_name(resource), limit_text(now, is),
         limit_text(expected, not_));
    error->resource = resource;
    error->edit_index = index;
    return -1;
}

static int plan(struct run *run, const struct numeric_edit *edits, const struct rlimitd_limits *now,
                struct rlimitd_error *error) {
    run->count = run->course->count;
    for (size_t place = 0; place < run->count; place++) {
        struct item *item = &run->items[place];
        *item = (struct item){.index = (int)place, .edit = edits[place], .now = now->of[edits[place].resource]};
        if (outcome(&item->edit, item->now, item->index, &item->wanted, error) != 0) return -1;
        if (item->edit.has_expect && !are_equal(item->edit.expect, item->now)) {
            return fail_conflict(error, item->edit.resource, item->now, item->edit.expect, item->index);
        }
    }
    size_t place = 0;
    for (int wanted = 0; wanted < 4; wanted++) {
        for (size_t index = 0; index < run->count; index++) {
            if (rank(&run->items[index]) == wanted) run->order[place++] = &run->items[index];
        }
    }
    return 0;
}

// The edit that the agent must be asked for whatever the kernel would say: the kernel has no compare-and-set.
static const struct item *comparing(const struct run *run) {
    for (size_t place = 0; place < run->count; place++) {
        if (run->items[place].edit.has_expect && raises(&run->items[place])) return &run->items[place];
    }
    return NULL;
}

// All of the edit, or, where it also lowers, only the half that it raises.
static struct numeric_edit agent_part(const struct item *item) {
    if (!lowers(item)) return item->edit;
    struct numeric_edit part = item->edit;
    part.mode = RLIMITD_EXACT;
    part.has_soft = item->wanted.soft > item->now.soft;
    part.soft = item->wanted.soft;
    part.has_hard = raises_hard(item);
    part.hard = item->wanted.hard;
    return part;
}

// ---- A plan being carried out

static void about(struct rlimitd_error *error, const struct item *item) {
    if (error->resource < 0) error->resource = item->edit.resource;
    if (error->edit_index < 0) error->edit_index = item->index;
}

// Whether the kernel refused what the agent might give.
static bool is_refusal(const struct rlimitd_error *error, const struct item *item) {
    if (!raises(item)) return false;
    return error->code == RLIMITD_DENIED_BY_KERNEL ||
           (error->code == RLIMITD_ABOVE_SYSTEM_CEILING && item->edit.mode == RLIMITD_CLAMP);
}

// What somebody else raised meanwhile was lowered with it, and the kernel refuses to raise it again: that is the agent's part.
static void becomes(struct item *item, Limit now, Limit wanted) {
    item->now = now;
    item->wanted = wanted;
    item->edit.has_soft = item->edit.has_hard = true;
    item->edit.soft = wanted.soft;
    item->edit.hard = wanted.hard;
}

// One prlimit(2), or none where nothing changes. `expected` is what the limits should be before it: where they were not, a
// compare-and-set fails, and any other edit is worked out anew from what they were.
static int exchange(struct run *run, struct item *item, Limit wanted, Limit expected,
                    const struct rlimitd_error *shortfall, struct rlimitd_error *error) {
    const struct subject *subject = run->course->subject;
    int resource = item->edit.resource;
    struct rlimitd_change change = {.resource = resource, .before = expected, .after = wanted};
    if (shortfall != NULL && run->course->result != NULL) {
        struct rlimitd_error *copy = attach(run->course->result, sizeof *copy);
        if (copy == NULL) return fail_without_memory(error);
        *copy = *shortfall;
        change.shortfall = copy;
    }
    if (!are_equal(wanted, expected)) {
        if (exchange_limit(subject, resource, wanted, &change.before, error) != 0) return -1;
        run->made[run->made_count++] = change;
    }
    if (!are_equal(change.before, expected)) {
        if (item->edit.has_expect) return fail_conflict(error, resource, change.before, expected, item->index);
        if (outcome(&item->edit, change.before, item->index, &change.after, error) != 0) return -1;
        if (shortfall != NULL) {
            change.after.soft = greatest(change.before.soft, wanted.soft);
            change.after.hard = greatest(change.before.hard, wanted.hard);
        }
        if (!are_equal(change.after, wanted)) {
            Limit ignored;
            if (exchange_limit(subject, resource, change.after, &ignored, error) != 0) {
                becomes(item, wanted, change.after);
                return -1;
            }
            run->made[run->made_count - 1].after = change.after;
        }
    }
    run->changes[item->index] = change;
    run->is_changed[item->index] = true;
    return 0;
}

// A clamp without its hard half, and nothing of it where even that is refused.
static int make_soft_alone(struct run *run, struct item *item, struct rlimitd_error reason, struct rlimitd_error *error) {
    about(&reason, item);
    Limit most = {least(item->wanted.soft, item->now.hard), item->now.hard};
    if (exchange(run, item, most, item->now, &reason, error) == 0) return 0;
    return is_refusal(error, item) ? exchange(run, item, item->now, item->now, &reason, error) : -1;
}

// The edit as far as the kernel goes; a clamp that is above the system's ceiling stops there.
static int make(struct run *run, struct item *item, struct rlimitd_error *error) {
    if (exchange(run, item, item->wanted, item->now, NULL, error) == 0) return 0;
    if (error->code != RLIMITD_ABOVE_SYSTEM_CEILING || item->edit.mode != RLIMITD_CLAMP) return -1;
    struct rlimitd_error reason = *error;
    uint64_t ceiling = open_files_ceiling();
    if (ceiling <= item->now.hard) return make_soft_alone(run, item, reason, error);
    about(&reason, item);
    Limit most = {least(item->wanted.soft, ceiling), ceiling};
    return exchange(run, item, most, item->now, &reason, error);
}

// What the edit also lowers, or all of it where there was nothing to raise.
static int lower(struct run *run, struct item *item, struct rlimitd_error *error) {
    if (!run->is_changed[item->index]) return exchange(run, item, item->wanted, item->now, NULL, error);
    struct rlimitd_change change = run->changes[item->index];
    Limit wanted;
    if (outcome(&item->edit, change.after, item->index, &wanted, error) != 0) return -1;
    if (exchange(run, item, wanted, change.after, NULL, error) != 0) return -1;
    change.after = run->changes[item->index].after;
    run->changes[item->index] = change;
    return 0;
}

// Puts back what was made, the last first, unless somebody else has changed it since. Says what could not be.
static int undo(struct run *run, struct rlimitd_error *error) {
    const struct subject *subject = run->course->subject;
    while (run->made_count > 0) {
        const struct rlimitd_change *change = &run->made[--run->made_count];
        struct rlimitd_error failure;
        Limit limit;
        int value = read_limit(subject, change->resource, &limit, &failure);
        if (value == 0 && !are_equal(limit, change->after)) continue;
        if (value == 0) value = exchange_limit(subject, change->resource, change->before, &limit, &failure);
        if (value == 0 || failure.code == RLIMITD_NO_SUCH_PROCESS) continue;
        char text[LIMIT_TEXT_SIZE];
        append(error, "; %s could not be put back to %s", rlimitd_resource_name(change->resource),
               limit_text(change->before, text));
    }
    memset(run->is_changed, 0, sizeof run->is_changed);
    return -1;
}

// Makes all of the batch: 1; or nothing where the kernel refuses part: 0, and the error says why; or -1.
static int ask_kernel(struct run *run, struct rlimitd_error *error) {
    const struct item *compared = comparing(run);
    if (compared != NULL) {
        fail(error, RLIMITD_UNSUPPORTED, "only the agent can raise %s on a condition: the kernel has no such call",
             rlimitd_resource_name(compared->edit.resource));
        about(error, compared);
        return 0;
    }
    for (size_t place = 0; place < run->count; place++) {
        struct item *item = run->order[place];
        if (make(run, item, error) == 0) continue;
        bool needs_agent = is_refusal(error, item);
        about(error, item);
        undo(run, error);
        return needs_agent ? 0 : -1;
    }
    return 1;
}

// The agent will not help: makes what the kernel alone gives, and notes on each clamp that fell short why.
static int finish_without_agent(struct run *run, const struct rlimitd_error *reason, struct rlimitd_error *error) {
    if (comparing(run) != NULL) {
        *error = *reason;
        return -1;
    }
    for (size_t place = 0; place < run->count; place++) {
        struct item *item = run->order[place];
        if (make(run, item, error) == 0) continue;
        if (!is_refusal(error, item)) {
            about(error, item);
        } else if (item->edit.mode != RLIMITD_CLAMP) {
            *error = *reason;
        } else if (make_soft_alone(run, item, *reason, error) == 0) {
            continue;
        }
        return undo(run, error);
    }
    return 0;
}

// The agent made all that raises; lowers what is left to lower.
static int finish_with(struct run *run, const struct rlimitd_change *granted, struct rlimitd_error *error) {
    for (size_t place = 0; place < run->count; place++) {
        if (!raises(&run->items[place])) continue;
        run->changes[place] = *granted;
        run->is_changed[place] = true;
        run->made[run->made_count++] = *granted++;
    }
    for (size_t place = 0; place < run->count; place++) {
        struct item *item = run->order[place];
        if (!lowers(item) && run->is_changed[item->index]) continue;
        if (lower(run, item, error) == 0) continue;
        about(error, item);
        return undo(run, error);
    }
    return 0;
}

// The agent counts the edits that it was sent; where there is none to ask, what the kernel said matters as much.
static void explain_failure(struct rlimitd_error *error, const struct rlimitd_error *refusal, const int *indices,
                            size_t count) {
    if (error->edit_index >= 0) error->edit_index = (size_t)error->edit_index < count ? indices[error->edit_index] : -1;
    if (error->code != RLIMITD_AGENT_UNREACHABLE && error->code != RLIMITD_UNTRUSTED_SOCKET) return;
    char said[RLIMITD_MESSAGE_SIZE];
    memcpy(said, error->message, sizeof said);
    set_text(error->message, sizeof error->message, refusal->message);
    append(error, ", and %s", said);
    error->resource = refusal->resource;
    error->edit_index = refusal->edit_index;
}

static int carry_out_run(struct run *run, struct course *course, struct rlimitd_error *error) {
    int value = ask_kernel(run, error);
    if (value != 0) return value > 0 ? 0 : -1;
    struct rlimitd_error refusal = *error;
    struct numeric_edit parts[RLIMITD_EDITS];
    int indices[RLIMITD_EDITS];
    struct rlimitd_change granted[RLIMITD_EDITS];
    size_t count = 0;
    for (size_t place = 0; place < run->count; place++) {
        if (!raises(&run->items[place])) continue;
        indices[count] = (int)place;
        parts[count++] = agent_part(&run->items[place]);
    }
    if (ask_set(course, parts, count, granted, error) == 0) return finish_with(run, granted, error);
    explain_failure(error, &refusal, indices, count);
    if (!leaves_all_as_it_was(error->code)) return -1;
    struct rlimitd_error reason = *error;
    return finish_without_agent(run, &reason, error);
}

int carry_out(struct course *course, const struct numeric_edit *edits, const struct rlimitd_limits *now,
              struct rlimitd_error *error) {
    struct run run = {.course = course};
    if (plan(&run, edits, now, error) != 0 || carry_out_run(&run, course, error) != 0) return -1;
    memcpy(course->changes, run.changes, sizeof run.changes);
    return 0;
}
