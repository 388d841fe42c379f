#include "edit/edit_operation.h"

#include "edit/edit_checks.h"
#include "edit/edit_requests.h"
#include "edit/edit_transaction.h"
#include "edit/uniform_edit.h"
#include "kernel/process_limits.h"
#include "model/error.h"
#include "model/limit.h"

static int explain_unreachable(const struct edit_operation *operation, bool agent_only, struct rlimitd_error *error) {
    if (agent_only || operation->is_explain || operation->is_lease || error->code != RLIMITD_AGENT_UNREACHABLE) {
        return -1;
    }
    prepend_message(error, "the kernel lets only its own user change %s", operation->resolved->name);
    return -1;
}

// Reads those of `resources` that `known` lacks: by prlimit(2), then /proc, then the agent.
static int read_missing_limits(struct edit_operation *operation, bool agent_only, uint32_t resources,
                               struct rlimitd_limits *known, struct rlimitd_error *error) {
    if ((resources & ~known->known) == 0) return 0;
    struct rlimitd_limits limits;
    int value = agent_only ? 0 : read_visible_limits(operation->resolved, resources, &limits, error);
    if (value < 0) return -1;
    if (value == 0 && call_get_limits(operation->agent, operation->resolved, resources, operation->deadline, &limits,
                                      error) != 0) {
        return explain_unreachable(operation, agent_only, error);
    }
    for (int resource = 0; resource < RLIMITD_RESOURCES; resource++) {
        uint32_t bit = 1u << resource;
        if ((resources & bit) == 0 || (known->known & bit) != 0) continue;
        known->of[resource] = limits.of[resource];
        known->known |= bit;
    }
    return 0;
}

// Resolves the edits to numbers. `symbolic` gets a bit for each edit that stands for "hard" or "max".
static int resolve_edits(struct edit_operation *operation, bool agent_only, struct rlimitd_limits *known,
                         struct numeric_edit *numbers, uint32_t *symbolic, struct rlimitd_error *error) {
    uint32_t current = 0, max_resources = 0, uniform = 0;
    *symbolic = 0;
    for (size_t i = 0; i < operation->count; i++) {
        const struct rlimitd_edit *edit = &operation->edits[i];
        bool is_many = operation->resolved->kind == TARGET_PROCESSES, is_symbolic;
        if (is_many || (operation->is_lease && edit_needs_max(edit))) {
            if (make_uniform_edit(edit, (int)i, &numbers[i], &is_symbolic, error) == 0) {
                uniform |= 1u << i;
                if (is_symbolic) *symbolic |= 1u << i;
                continue;
            }
            if (is_many) return -1;
        }
        if (edit_needs_max(edit)) max_resources |= 1u << edit->resource;
        if (edit_needs_current(edit)) current |= 1u << edit->resource;
    }
    if (read_missing_limits(operation, agent_only, current, known, error) != 0) return -1;
    struct max_limits_decoder decoder = {{0}};
    if (max_resources != 0 && call_get_max_limits(operation, max_resources, &decoder, error) != 0) {
        if (agent_only || !changed_nothing(error->code)) return -1;
        decoder = (struct max_limits_decoder){{0}};
    }
    if (read_missing_limits(operation, agent_only, max_resources, known, error) != 0) return -1;
    for (size_t i = 0; i < operation->count; i++) {
        if (uniform >> i & 1) continue;
        const struct rlimitd_edit *edit = &operation->edits[i];
        Limit now = known->of[edit->resource];
        uint64_t max = edit_needs_max(edit) ? max_of(decoder.max[edit->resource], now.hard) : 0;
        numbers[i] = resolve_edit(edit, now, max);
    }
    return 0;
}

int run_edit_operation(struct edit_operation *operation, struct rlimitd_error *error) {
    bool agent_only = (atomic_load(&operation->agent->flags) & RLIMITD_AGENT_ONLY) != 0;
    struct rlimitd_limits known = {0};
    uint32_t resources = 0;
    if (operation->is_lease && require_leasable(operation->edits, operation->count, error) != 0) return -1;
    if (require_edits(operation->edits, operation->count, error) != 0) return -1;
    for (size_t i = 0; i < operation->count; i++) resources |= 1u << operation->edits[i].resource;
    int permitted = 0;
    if (!agent_only && !operation->is_explain && !operation->is_lease) {
        permitted = read_if_permitted(operation->resolved, resources, &known, error);
        if (permitted < 0) return -1;
        if (permitted == 0) known = (struct rlimitd_limits){0};
    }
    struct numeric_edit numbers[RLIMITD_EDITS];
    uint32_t symbolic;
    if (resolve_edits(operation, agent_only, &known, numbers, &symbolic, error) != 0) return -1;
    if (operation->is_explain) return call_explain_set(operation, numbers, error);
    if (permitted == 0) {
        if (call_set(operation, numbers, operation->count, operation->changes, error) != 0) {
            return explain_unreachable(operation, agent_only, error);
        }
        for (size_t i = 0; i < operation->count; i++) {
            if (symbolic >> i & 1) operation->changes[i].shortfall = NULL;
        }
        return 0;
    }
    return run_edit_transaction(operation, numbers, &known, error);
}
