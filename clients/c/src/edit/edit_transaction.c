// The kernel is asked first. If it refuses an edit, the changes made so far are undone, the agent makes all edits that
// raise, in one request, and the client then makes the edits that lower.
#include "edit/edit_transaction.h"

#include <string.h>

#include "edit/edit_plan.h"
#include "edit/edit_requests.h"
#include "kernel/process_limits.h"
#include "kernel/procfs.h"
#include "model/error.h"
#include "model/limit.h"
#include "model/result.h"

struct edit_transaction {
    const struct edit_operation *operation;
    struct edit_plan plan;
    struct rlimitd_change changes[RLIMITD_EDITS];
    bool has_change[RLIMITD_EDITS];
    // In the order in which they were made. An edit is applied at most three times if another process keeps changing
    // the limits.
    struct rlimitd_change applied[3 * RLIMITD_EDITS];
    size_t applied_count;
};

static void complete_error(struct rlimitd_error *error, const struct plan_item *item) {
    if (error->resource < 0) error->resource = item->edit.resource;
    if (error->edit_index < 0) error->edit_index = item->index;
}

// Whether the kernel refused an edit that the agent may grant.
static bool is_refusal(const struct rlimitd_error *error, const struct plan_item *item) {
    if (!raises(item)) return false;
    return error->code == RLIMITD_DENIED_BY_KERNEL ||
           (error->code == RLIMITD_ABOVE_SYSTEM_CEILING && item->edit.mode == RLIMITD_CLAMP);
}

// Another process raised the limit after it was read, so the edit lowered it, and the kernel refuses to raise it again.
// The edit becomes one that raises the limit back, which the agent may grant.
static void replan(struct plan_item *item, Limit now, Limit wanted) {
    item->now = now;
    item->wanted = wanted;
    item->edit.has_soft = item->edit.has_hard = true;
    item->edit.soft = wanted.soft;
    item->edit.hard = wanted.hard;
}

// Sets a limit by prlimit(2), unless nothing changes. If the limit before the call was not `expected`, another process
// has changed it: a compare-and-set then fails, and any other edit is applied to the limit that prlimit(2) replaced.
static int apply_limit(struct edit_transaction *transaction, struct plan_item *item, Limit wanted, Limit expected,
                       const struct rlimitd_error *shortfall, struct rlimitd_error *error) {
    const struct resolved_target *resolved = transaction->operation->resolved;
    int resource = item->edit.resource;
    struct rlimitd_change change = {.resource = resource, .before = expected, .after = wanted};
    if (shortfall != NULL && transaction->operation->result != NULL) {
        struct rlimitd_error *copy = allocate_in_result(transaction->operation->result, sizeof *copy);
        if (copy == NULL) return fail_out_of_memory(error);
        *copy = *shortfall;
        change.shortfall = copy;
    }
    if (!limits_are_equal(wanted, expected)) {
        if (exchange_limit(resolved, resource, wanted, &change.before, error) != 0) return -1;
        transaction->applied[transaction->applied_count++] = change;
    }
    if (!limits_are_equal(change.before, expected)) {
        if (item->edit.has_expect) return fail_conflict(error, resource, change.before, expected, item->index);
        if (planned_limit(&item->edit, change.before, item->index, &change.after, error) != 0) return -1;
        if (shortfall != NULL) {
            change.after.soft = max_of(change.before.soft, wanted.soft);
            change.after.hard = max_of(change.before.hard, wanted.hard);
        }
        if (!limits_are_equal(change.after, wanted)) {
            Limit ignored;
            if (exchange_limit(resolved, resource, change.after, &ignored, error) != 0) {
                replan(item, wanted, change.after);
                return -1;
            }
            transaction->applied[transaction->applied_count - 1].after = change.after;
        }
    }
    transaction->changes[item->index] = change;
    transaction->has_change[item->index] = true;
    return 0;
}

// Applies only the soft half of a clamp, or nothing if the kernel refuses that too.
static int apply_soft_only(struct edit_transaction *transaction, struct plan_item *item, struct rlimitd_error reason,
                           struct rlimitd_error *error) {
    complete_error(&reason, item);
    Limit max = {min_of(item->wanted.soft, item->now.hard), item->now.hard};
    if (apply_limit(transaction, item, max, item->now, &reason, error) == 0) return 0;
    return is_refusal(error, item) ? apply_limit(transaction, item, item->now, item->now, &reason, error) : -1;
}

// Applies an edit by the kernel. A clamp above fs.nr_open stops at fs.nr_open.
static int apply_item(struct edit_transaction *transaction, struct plan_item *item, struct rlimitd_error *error) {
    if (apply_limit(transaction, item, item->wanted, item->now, NULL, error) == 0) return 0;
    if (error->code != RLIMITD_ABOVE_SYSTEM_CEILING || item->edit.mode != RLIMITD_CLAMP) return -1;
    struct rlimitd_error reason = *error;
    uint64_t ceiling = open_files_ceiling();
    if (ceiling <= item->now.hard) return apply_soft_only(transaction, item, reason, error);
    complete_error(&reason, item);
    Limit max = {min_of(item->wanted.soft, ceiling), ceiling};
    return apply_limit(transaction, item, max, item->now, &reason, error);
}

// Applies the half that an edit lowers after the agent has raised the other, or the whole edit if it raises nothing.
static int lower_item(struct edit_transaction *transaction, struct plan_item *item, struct rlimitd_error *error) {
    if (!transaction->has_change[item->index]) {
        return apply_limit(transaction, item, item->wanted, item->now, NULL, error);
    }
    struct rlimitd_change change = transaction->changes[item->index];
    Limit wanted;
    if (planned_limit(&item->edit, change.after, item->index, &wanted, error) != 0) return -1;
    if (apply_limit(transaction, item, wanted, change.after, NULL, error) != 0) return -1;
    change.after = transaction->changes[item->index].after;
    transaction->changes[item->index] = change;
    return 0;
}

// Undoes the changes in reverse order, except limits that another process has changed since. The error names the limits
// that cannot be restored. Returns -1.
static int undo_applied(struct edit_transaction *transaction, struct rlimitd_error *error) {
    const struct resolved_target *resolved = transaction->operation->resolved;
    while (transaction->applied_count > 0) {
        const struct rlimitd_change *change = &transaction->applied[--transaction->applied_count];
        struct rlimitd_error failure;
        Limit limit;
        int value = read_limit(resolved, change->resource, &limit, &failure);
        if (value == 0 && !limits_are_equal(limit, change->after)) continue;
        if (value == 0) value = exchange_limit(resolved, change->resource, change->before, &limit, &failure);
        if (value == 0 || failure.code == RLIMITD_NO_SUCH_PROCESS) continue;
        char text[LIMIT_TEXT_SIZE];
        append_message(error, "; %s could not be put back to %s", rlimitd_resource_name(change->resource),
                       format_limit(change->before, text));
    }
    memset(transaction->has_change, 0, sizeof transaction->has_change);
    return -1;
}

// Applies the whole batch by the kernel: 1. If the kernel refuses an edit that the agent may grant, undoes the others:
// 0 with the kernel's error. -1 after any other failure.
static int try_kernel(struct edit_transaction *transaction, struct rlimitd_error *error) {
    const struct plan_item *compared = find_compare_and_set(&transaction->plan);
    if (compared != NULL) {
        fail(error, RLIMITD_UNSUPPORTED, "only the agent can raise %s on a condition: the kernel has no such call",
             rlimitd_resource_name(compared->edit.resource));
        complete_error(error, compared);
        return 0;
    }
    for (size_t i = 0; i < transaction->plan.count; i++) {
        struct plan_item *item = transaction->plan.order[i];
        if (apply_item(transaction, item, error) == 0) continue;
        bool needs_agent = is_refusal(error, item);
        complete_error(error, item);
        undo_applied(transaction, error);
        return needs_agent ? 0 : -1;
    }
    return 1;
}

// Applies what the kernel alone permits after the agent has refused or is not reachable. Each clamp that falls short
// gets the reason.
static int finish_without_agent(struct edit_transaction *transaction, const struct rlimitd_error *reason,
                                struct rlimitd_error *error) {
    if (find_compare_and_set(&transaction->plan) != NULL) {
        *error = *reason;
        return -1;
    }
    for (size_t i = 0; i < transaction->plan.count; i++) {
        struct plan_item *item = transaction->plan.order[i];
        if (apply_item(transaction, item, error) == 0) continue;
        if (!is_refusal(error, item)) {
            complete_error(error, item);
        } else if (item->edit.mode != RLIMITD_CLAMP) {
            *error = *reason;
        } else if (apply_soft_only(transaction, item, *reason, error) == 0) {
            continue;
        }
        return undo_applied(transaction, error);
    }
    return 0;
}

// Lowers what is left to lower after the agent has made the edits that raise.
static int finish_with_agent(struct edit_transaction *transaction, const struct rlimitd_change *granted,
                             struct rlimitd_error *error) {
    for (size_t i = 0; i < transaction->plan.count; i++) {
        if (!raises(&transaction->plan.items[i])) continue;
        transaction->changes[i] = *granted;
        transaction->has_change[i] = true;
        transaction->applied[transaction->applied_count++] = *granted++;
    }
    for (size_t i = 0; i < transaction->plan.count; i++) {
        struct plan_item *item = transaction->plan.order[i];
        if (!lowers(item) && transaction->has_change[item->index]) continue;
        if (lower_item(transaction, item, error) == 0) continue;
        complete_error(error, item);
        return undo_applied(transaction, error);
    }
    return 0;
}

// Translates the edit index of the agent's error, which counts only the edits in its request. If no agent is reachable,
// puts the kernel's refusal before the reason.
static void merge_agent_failure(struct rlimitd_error *error, const struct rlimitd_error *refusal, const int *indices,
                                size_t count) {
    if (error->edit_index >= 0) error->edit_index = (size_t)error->edit_index < count ? indices[error->edit_index] : -1;
    if (error->code != RLIMITD_AGENT_UNREACHABLE && error->code != RLIMITD_UNTRUSTED_SOCKET) return;
    prepend_message(error, "%s", refusal->message);
    error->resource = refusal->resource;
    error->edit_index = refusal->edit_index;
}

static int execute(struct edit_transaction *transaction, struct edit_operation *operation,
                   struct rlimitd_error *error) {
    int value = try_kernel(transaction, error);
    if (value != 0) return value > 0 ? 0 : -1;
    struct rlimitd_error refusal = *error;
    struct numeric_edit parts[RLIMITD_EDITS];
    int indices[RLIMITD_EDITS];
    struct rlimitd_change granted[RLIMITD_EDITS];
    size_t count = 0;
    for (size_t i = 0; i < transaction->plan.count; i++) {
        if (!raises(&transaction->plan.items[i])) continue;
        indices[count] = (int)i;
        parts[count++] = agent_part(&transaction->plan.items[i]);
    }
    if (call_set(operation, parts, count, granted, error) == 0) return finish_with_agent(transaction, granted, error);
    merge_agent_failure(error, &refusal, indices, count);
    if (!changed_nothing(error->code)) return -1;
    struct rlimitd_error reason = *error;
    return finish_without_agent(transaction, &reason, error);
}

int run_edit_transaction(struct edit_operation *operation, const struct numeric_edit *edits,
                         const struct rlimitd_limits *now, struct rlimitd_error *error) {
    struct edit_transaction transaction = {.operation = operation};
    if (plan_edits(&transaction.plan, edits, operation->count, now, error) != 0 ||
        execute(&transaction, operation, error) != 0) {
        return -1;
    }
    memcpy(operation->changes, transaction.changes, sizeof transaction.changes);
    return 0;
}
