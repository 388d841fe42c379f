// Calls about one process, and about the agent.
#include "call.h"

#include <errno.h>
#include <string.h>

struct rlimitd *rlimitd_open(const struct rlimitd_options *options, struct rlimitd_error *error) {
    struct rlimitd_error local_error;
    if (error == NULL) error = &local_error;
    struct rlimitd *agent = open_agent(options, error);
    if (agent == NULL) set_errno(-1, error);
    return agent;
}

// ---- Limits

uint32_t resource_set(const int *resources, size_t count, struct rlimitd_error *error) {
    if (count == 0) return ALL_RESOURCES;
    uint32_t set = 0;
    for (size_t i = 0; i < count; i++) {
        if (require_resource(resources[i], -1, error) != 0) return 0;
        set |= 1u << resources[i];
    }
    return set;
}

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

static int set(struct call *call, const struct rlimitd_edit *edits, size_t count, struct rlimitd_changes *changes,
               struct edit_operation *operation) {
    if (require_single_process(call, "rlimitd_set_each") != 0) return -1;
    // Distinct resources are no more than sixteen; what is beyond that is not looked at.
    size_t checked_count = count > RLIMITD_EDITS ? RLIMITD_EDITS + 1 : count;
    if (require_edits(edits, checked_count, call->error) != 0) return -1;
    *operation = (struct edit_operation){.agent = call->agent, .resolved = &call->resolved, .edits = edits, .count = checked_count,
                              .deadline = call->deadline, .result = changes};
    if (count > 0 && run_edit_operation(operation, call->error) != 0) return -1;
    if (changes == NULL) return 0;
    changes->list = allocate_in_result(changes, (count + 1) * sizeof *changes->list);
    if (changes->list == NULL) return fail_out_of_memory(call->error);
    memcpy(changes->list, operation->changes, count * sizeof *changes->list);
    changes->count = count;
    return 0;
}

int rlimitd_set(struct rlimitd *agent, const struct rlimitd_target *target, const struct rlimitd_edit *edits, size_t count,
                struct rlimitd_changes **changes, struct rlimitd_error *error) {
    struct call call;
    struct edit_operation operation;
    struct rlimitd_changes *created = NULL;
    int value = begin_call(&call, agent, target, error);
    if (value == 0 && changes != NULL && (created = new_call_result(&call, sizeof *created)) == NULL) value = -1;
    if (value == 0) value = set(&call, edits, count, created, &operation);
    RETURN_RESULT(value, created, changes);
    return end_call(&call, value);
}

int rlimitd_raise(int resource, uint64_t to, struct rlimitd_limit *got) {
    struct call call;
    struct edit_operation operation;
    struct rlimitd_edit edit = rlimitd_edit_raise(resource, to);
    int value = begin_call(&call, NULL, NULL, NULL);
    if (value == 0) value = set(&call, &edit, 1, NULL, &operation);
    if (got != NULL && value == 0) *got = operation.changes[0].after;
    if (got != NULL && value != 0) {
        struct rlimitd_error ignored;
        *got = (struct rlimitd_limit){0, 0};
        call.resolved = (struct resolved_target){.pidfd = -1, .name = "this process"};
        if (is_resource(resource)) read_limit(&call.resolved, resource, got, &ignored);
    }
    return end_call(&call, value);
}

// ---- prlimit

static int decode_prlimit_response(void *destination, const Response *part, bool is_first, struct rlimitd_error *error) {
    if (!is_first) return fail_malformed_response(error, "an answer in parts that do not fit");
    return decode_limit(part->prlimit->old, destination, error);
}

void encode_prlimit(Rlimitd__V1__Prlimit *message, Rlimitd__V1__Limit *limit, int resource,
                          const struct rlimitd_limit *new_limit) {
    rlimitd__v1__prlimit__init(message);
    rlimitd__v1__limit__init(limit);
    message->has_resource = 1;
    message->resource = resource_to_wire(resource);
    if (new_limit == NULL) return;
    limit->has_soft = limit->has_hard = 1;
    limit->soft = new_limit->soft;
    limit->hard = new_limit->hard;
    message->new_limit = limit;
}

static int call_prlimit(struct call *call, int resource, const struct rlimitd_limit *new_limit, struct rlimitd_limit *old) {
    Rlimitd__V1__Prlimit message;
    Rlimitd__V1__Limit limit;
    Rlimitd__V1__Target target;
    Rlimitd__V1__Empty empty;
    struct agent_request agent_request;
    encode_prlimit(&message, &limit, resource, new_limit);
    message.target = encode_target(&call->resolved, &target, &empty);
    init_agent_request(&agent_request, &call->resolved, new_limit == NULL);
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_PRLIMIT;
    agent_request.message.prlimit = &message;
    agent_request.expected_outcome = RLIMITD__V1__RESPONSE__OUTCOME_PRLIMIT;
    agent_request.decode = decode_prlimit_response;
    agent_request.destination = old;
    return call_agent(call->agent, &agent_request, call->deadline, call->error);
}

// The kernel refused: asks the agent, as an edit where one half is to be lowered, which the agent does not do for everyone.
static int prlimit_by_agent(struct call *call, int resource, struct rlimitd_limit wanted, struct rlimitd_limit *old) {
    struct rlimitd_error refusal = *call->error, ignored;
    struct rlimitd_limit now;
    bool is_mixed = read_limit(&call->resolved, resource, &now, &ignored) == 0 &&
                    (wanted.soft < now.soft || wanted.hard < now.hard);
    if (is_mixed) {
        struct rlimitd_edit edit = rlimitd_edit_exact(resource, wanted.soft, wanted.hard);
        struct edit_operation operation;
        if (set(call, &edit, 1, NULL, &operation) != 0) {
            call->error->edit_index = -1;
            return -1;
        }
        *old = operation.changes[0].before;
        return 0;
    }
    if (call_prlimit(call, resource, &wanted, old) == 0) return 0;
    struct rlimitd_error *error = call->error;
    if (error->code != RLIMITD_AGENT_UNREACHABLE && error->code != RLIMITD_UNTRUSTED_SOCKET) return -1;
    char agent_message[RLIMITD_MESSAGE_SIZE];
    memcpy(agent_message, error->message, sizeof agent_message);
    copy_truncated(error->message, sizeof error->message, refusal.message);
    append_message(error, ", and %s", agent_message);
    error->resource = refusal.resource;
    return -1;
}

static int prlimit_call(struct call *call, int resource, const struct rlimitd_limit *new_limit, struct rlimitd_limit *old) {
    if (require_resource(resource, -1, call->error) != 0) return -1;
    if (new_limit != NULL && new_limit->soft > new_limit->hard) {
        char soft[LIMIT_TEXT_SIZE], hard[LIMIT_TEXT_SIZE];
        fail(call->error, RLIMITD_SOFT_EXCEEDS_HARD, "%s: soft %s is above hard %s", rlimitd_resource_name(resource),
             format_bound(new_limit->soft, soft), format_bound(new_limit->hard, hard));
        call->error->resource = resource;
        return -1;
    }
    if (!uses_kernel(call)) return call_prlimit(call, resource, new_limit, old);
    if (new_limit == NULL) {
        struct rlimitd_limits limits;
        int value = read_visible_limits(&call->resolved, 1u << resource, &limits, call->error);
        if (value == 0) return call_prlimit(call, resource, NULL, old);
        if (value > 0) *old = limits.of[resource];
        return value > 0 ? 0 : -1;
    }
    if (exchange_limit(&call->resolved, resource, *new_limit, old, call->error) == 0) return 0;
    if (call->error->code != RLIMITD_DENIED_BY_KERNEL) return -1;
    return prlimit_by_agent(call, resource, *new_limit, old);
}

int rlimitd_prlimit(struct rlimitd *agent, const struct rlimitd_target *target, int resource,
                    const struct rlimitd_limit *new_limit, struct rlimitd_limit *old_limit, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_limit old;
    int value = begin_call(&call, agent, target, error);
    if (value == 0) value = prlimit_call(&call, resource, new_limit, &old);
    if (value == 0 && old_limit != NULL) *old_limit = old;
    return end_call(&call, value);
}

// ---- Use

int require_scope(enum rlimitd_scope scope, pid_t thread, struct rlimitd_error *error) {
    if (scope > RLIMITD_OF_THREAD) return fail(error, RLIMITD_INVALID_ARGUMENT, "unknown scope of usage %d", (int)scope);
    if (scope == RLIMITD_OF_THREAD && thread <= 0) {
        return fail(error, RLIMITD_INVALID_ARGUMENT, "%d is no thread id", (int)thread);
    }
    if (scope != RLIMITD_OF_THREAD && thread != 0) {
        return fail(error, RLIMITD_INVALID_ARGUMENT, "a thread is named, but the scope is not the thread's");
    }
    return 0;
}

void encode_usage(Rlimitd__V1__GetUsage *message, enum rlimitd_scope scope, pid_t thread) {
    rlimitd__v1__get_usage__init(message);
    message->has_scope = scope != RLIMITD_OF_PROCESS;
    message->scope = (Rlimitd__V1__UsageScope)scope;
    message->has_thread = scope == RLIMITD_OF_THREAD;
    message->thread = (uint64_t)thread;
}

static int decode_usage_response(void *destination, const Response *part, bool is_first, struct rlimitd_error *error) {
    if (!is_first) return fail_malformed_response(error, "an answer in parts that do not fit");
    decode_usage(part->usage, destination);
    return 0;
}

static int usage_call(struct call *call, enum rlimitd_scope scope, pid_t thread, struct rlimitd_usage *usage) {
    if (require_scope(scope, thread, call->error) != 0) return -1;
    if (scope != RLIMITD_OF_THREAD && require_single_process(call, "rlimitd_usage_each") != 0) return -1;
    int value = uses_kernel(call) ? read_usage(&call->resolved, scope, thread, usage, call->error) : 0;
    if (value != 0) return value > 0 ? 0 : -1;
    Rlimitd__V1__GetUsage message;
    Rlimitd__V1__Target target;
    Rlimitd__V1__Empty empty;
    struct agent_request agent_request;
    encode_usage(&message, scope, thread);
    message.target = encode_target(&call->resolved, &target, &empty);
    init_agent_request(&agent_request, &call->resolved, true);
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_USAGE;
    agent_request.message.usage = &message;
    agent_request.expected_outcome = RLIMITD__V1__RESPONSE__OUTCOME_USAGE;
    agent_request.decode = decode_usage_response;
    agent_request.destination = usage;
    return call_agent(call->agent, &agent_request, call->deadline, call->error);
}

int rlimitd_usage(struct rlimitd *agent, const struct rlimitd_target *target, enum rlimitd_scope scope, pid_t thread,
                  struct rlimitd_usage *usage, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_usage answer;
    int value = begin_call(&call, agent, target, error);
    if (value == 0) value = usage_call(&call, scope, thread, &answer);
    if (value == 0 && usage != NULL) *usage = answer;
    return end_call(&call, value);
}

// ---- The agent

int rlimitd_server_info(struct rlimitd *agent, struct rlimitd_server_info **info, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_server_info *created = NULL;
    Rlimitd__V1__GetServerInfo message = RLIMITD__V1__GET_SERVER_INFO__INIT;
    struct agent_request agent_request;
    int value = begin_call(&call, agent, NULL, error);
    if (value == 0 && (created = new_call_result(&call, sizeof *created)) == NULL) value = -1;
    init_agent_request(&agent_request, NULL, true);
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_SERVER_INFO;
    agent_request.message.server_info = &message;
    agent_request.expected_outcome = RLIMITD__V1__RESPONSE__OUTCOME_SERVER_INFO;
    agent_request.decode = decode_server_info;
    agent_request.destination = created;
    if (value == 0) value = call_agent(call.agent, &agent_request, call.deadline, call.error);
    RETURN_RESULT(value, created, info);
    return end_call(&call, value);
}

int rlimitd_stats(struct rlimitd *agent, struct rlimitd_stats *stats, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_stats answer;
    Rlimitd__V1__GetStats message = RLIMITD__V1__GET_STATS__INIT;
    struct agent_request agent_request;
    int value = begin_call(&call, agent, NULL, error);
    init_agent_request(&agent_request, NULL, true);
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_STATS;
    agent_request.message.stats = &message;
    agent_request.expected_outcome = RLIMITD__V1__RESPONSE__OUTCOME_STATS;
    agent_request.decode = decode_stats;
    agent_request.destination = &answer;
    if (value == 0) value = call_agent(call.agent, &agent_request, call.deadline, call.error);
    if (value == 0 && stats != NULL) *stats = answer;
    return end_call(&call, value);
}
