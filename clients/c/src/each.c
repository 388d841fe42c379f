// Calls about every process of a cgroup or pod.
#include "call.h"

static int ask_processes(struct call *call, struct inquiry *inquiry, struct process_taking *taking) {
    inquiry->outcome = RLIMITD__V1__RESPONSE__OUTCOME_PROCESSES;
    inquiry->take = take_processes;
    inquiry->into = taking;
    return ask(call->agent, inquiry, call->deadline, call->error);
}

static int get_each(struct call *call, const int *resources, size_t count, struct process_taking *taking) {
    struct wire_get room;
    struct inquiry inquiry;
    taking->resources = resource_set(resources, count, call->error);
    taking->outcome = RLIMITD__V1__PROCESS_RESULT__OUTCOME_LIMITS;
    if (taking->resources == 0 || require_many(call, "rlimitd_get") != 0) return -1;
    write_get(&room, &call->subject, taking->resources);
    start_inquiry(&inquiry, &call->subject, true);
    inquiry.request.operation_case = RLIMITD__V1__REQUEST__OPERATION_GET;
    inquiry.request.get = &room.get;
    return ask_processes(call, &inquiry, taking);
}

static int set_each(struct call *call, const struct rlimitd_edit *edits, size_t count, struct process_taking *taking) {
    struct wire_set room;
    struct inquiry inquiry;
    struct numeric_edit numbers[RLIMITD_EDITS];
    if (require_many(call, "rlimitd_set") != 0) return -1;
    if (count == 0) return fail(call->error, RLIMITD_INVALID_ARGUMENT, "there is no edit to apply");
    if (require_edits(edits, count > RLIMITD_EDITS ? RLIMITD_EDITS + 1 : count, call->error) != 0) return -1;
    for (size_t place = 0; place < count; place++) {
        bool is_worded;
        if (share_edit(&edits[place], (int)place, &numbers[place], &is_worded, call->error) != 0) return -1;
        if (is_worded) taking->worded |= 1u << place;
    }
    taking->outcome = RLIMITD__V1__PROCESS_RESULT__OUTCOME_CHANGES;
    taking->edits = edits;
    taking->edit_count = count;
    write_set(&room, &call->subject, numbers, count, NULL);
    start_inquiry(&inquiry, &call->subject, false);
    inquiry.request.operation_case = RLIMITD__V1__REQUEST__OPERATION_SET;
    inquiry.request.set = &room.set;
    return ask_processes(call, &inquiry, taking);
}

static int usage_each(struct call *call, enum rlimitd_scope scope, struct process_taking *taking) {
    Rlimitd__V1__GetUsage message;
    Rlimitd__V1__Target target;
    Rlimitd__V1__Empty empty;
    struct inquiry inquiry;
    if (require_many(call, "rlimitd_usage") != 0) return -1;
    if (scope >= RLIMITD_OF_THREAD) return fail(call->error, RLIMITD_INVALID_ARGUMENT, "a thread is of one process");
    taking->outcome = RLIMITD__V1__PROCESS_RESULT__OUTCOME_USAGE;
    write_usage(&message, scope, 0);
    message.target = wire_target(&call->subject, &target, &empty);
    start_inquiry(&inquiry, &call->subject, true);
    inquiry.request.operation_case = RLIMITD__V1__REQUEST__OPERATION_USAGE;
    inquiry.request.usage = &message;
    return ask_processes(call, &inquiry, taking);
}

static int begin_each(struct call *call, struct rlimitd *agent, const struct rlimitd_target *target,
                      struct process_taking *taking, struct rlimitd_error *error) {
    *taking = (struct process_taking){0};
    if (begin(call, agent, target, error) != 0) return -1;
    taking->processes = make(call, sizeof *taking->processes);
    return taking->processes != NULL ? 0 : -1;
}

int rlimitd_get_each(struct rlimitd *agent, const struct rlimitd_target *target, const int *resources, size_t count,
                     struct rlimitd_processes **processes, struct rlimitd_error *error) {
    struct call call;
    struct process_taking taking;
    int value = begin_each(&call, agent, target, &taking, error);
    if (value == 0) value = get_each(&call, resources, count, &taking);
    HAND_OUT(value, taking.processes, processes);
    return end(&call, value);
}

int rlimitd_set_each(struct rlimitd *agent, const struct rlimitd_target *target, const struct rlimitd_edit *edits,
                     size_t count, struct rlimitd_processes **processes, struct rlimitd_error *error) {
    struct call call;
    struct process_taking taking;
    int value = begin_each(&call, agent, target, &taking, error);
    if (value == 0) value = set_each(&call, edits, count, &taking);
    HAND_OUT(value, taking.processes, processes);
    return end(&call, value);
}

int rlimitd_usage_each(struct rlimitd *agent, const struct rlimitd_target *target, enum rlimitd_scope scope,
                       struct rlimitd_processes **processes, struct rlimitd_error *error) {
    struct call call;
    struct process_taking taking;
    int value = begin_each(&call, agent, target, &taking, error);
    if (value == 0) value = usage_each(&call, scope, &taking);
    HAND_OUT(value, taking.processes, processes);
    return end(&call, value);
}
