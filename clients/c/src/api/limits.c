#include "api/limits.h"

#include <string.h>

#include "api/arguments.h"
#include "edit/edit_checks.h"
#include "edit/edit_requests.h"
#include "kernel/process_limits.h"
#include "model/error.h"
#include "model/resource.h"
#include "model/result.h"

static int get(struct call *call, const int *resources, size_t count, struct rlimitd_limits *limits) {
    uint32_t set = resource_set(resources, count, call->error);
    if (set == 0 || require_single_process(call, "rlimitd_get_each") != 0) return -1;
    struct rlimitd_limits answer;
    int value = uses_kernel(call) ? read_visible_limits(&call->resolved, set, &answer, call->error) : 0;
    if (value == 0) value = call_get_limits(call->agent, &call->resolved, set, call->deadline, &answer, call->error);
    if (value < 0) return -1;
    if (limits != NULL) *limits = answer;
    return 0;
}

int rlimitd_get(struct rlimitd *agent, const struct rlimitd_target *target, const int *resources, size_t count,
                struct rlimitd_limits *limits, struct rlimitd_error *error) {
    struct call call;
    int value = begin_call(&call, agent, target, error);
    if (value == 0) value = get(&call, resources, count, limits);
    return end_call(&call, value);
}

int apply_edits(struct call *call, const struct rlimitd_edit *edits, size_t count, struct rlimitd_changes *changes,
                struct edit_operation *operation) {
    if (require_single_process(call, "rlimitd_set_each") != 0) return -1;
    // More than sixteen edits name some resource twice, so checking seventeen of them is enough.
    size_t checked_count = count > RLIMITD_EDITS ? RLIMITD_EDITS + 1 : count;
    if (require_edits(edits, checked_count, call->error) != 0) return -1;
    *operation = (struct edit_operation){
        .agent = call->agent, .resolved = &call->resolved, .edits = edits, .count = checked_count,
        .deadline = call->deadline, .result = changes,
    };
    if (count > 0 && run_edit_operation(operation, call->error) != 0) return -1;
    if (changes == NULL) return 0;
    changes->list = allocate_in_result(changes, (count + 1) * sizeof *changes->list);
    if (changes->list == NULL) return fail_out_of_memory(call->error);
    memcpy(changes->list, operation->changes, count * sizeof *changes->list);
    changes->count = count;
    return 0;
}

int rlimitd_set(struct rlimitd *agent, const struct rlimitd_target *target, const struct rlimitd_edit *edits,
                size_t count, struct rlimitd_changes **changes, struct rlimitd_error *error) {
    struct call call;
    struct edit_operation operation;
    struct rlimitd_changes *created = NULL;
    int value = begin_call(&call, agent, target, error);
    if (value == 0 && changes != NULL && (created = new_call_result(&call, sizeof *created)) == NULL) value = -1;
    if (value == 0) value = apply_edits(&call, edits, count, created, &operation);
    RETURN_RESULT(value, created, changes);
    return end_call(&call, value);
}

int rlimitd_raise(int resource, uint64_t to, struct rlimitd_limit *got) {
    struct call call;
    struct edit_operation operation;
    struct rlimitd_edit edit = rlimitd_edit_raise(resource, to);
    int value = begin_call(&call, NULL, NULL, NULL);
    if (value == 0) value = apply_edits(&call, &edit, 1, NULL, &operation);
    if (got != NULL && value == 0) *got = operation.changes[0].after;
    if (got != NULL && value != 0) {
        struct rlimitd_error ignored;
        *got = (struct rlimitd_limit){0, 0};
        call.resolved = (struct resolved_target){.pidfd = -1, .name = "this process"};
        if (is_resource(resource)) read_limit(&call.resolved, resource, got, &ignored);
    }
    return end_call(&call, value);
}
