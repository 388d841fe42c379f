// Calls about one process, and about the agent.
#include "call.h"

#include <errno.h>
#include <string.h>

struct rlimitd *rlimitd_open(const struct rlimitd_options *options, struct rlimitd_error *error) {
    struct rlimitd_error room;
    if (error == NULL) error = &room;
    struct rlimitd *agent = open_agent(options, error);
    if (agent == NULL) result(-1, error);
    return agent;
}

// ---- Limits

uint32_t resource_set(const int *resources, size_t count, struct rlimitd_error *error) {
    if (count == 0) return ALL_RESOURCES;
    uint32_t set = 0;
    for (size_t place = 0; place < count; place++) {
        if (require_resource(resources[place], -1, error) != 0) return 0;
        set |= 1u << resources[place];
    }
    return set;
}

static int get(struct call *call, const int *resources, size_t count, struct rlimitd_limits *limits) {
    uint32_t set = resource_set(resources, count, call->error);
    if (set == 0 || require_one(call, "rlimitd_get_each") != 0) return -1;
    struct rlimitd_limits told;
    int value = asks_kernel(call) ? read_shown(&call->subject, set, &told, call->error) : 0;
    if (value == 0) value = ask_limits(call->agent, &call->subject, set, call->deadline, &told, call->error);
    if (value < 0) return -1;
    if (limits != NULL) *limits = told;
    return 0;
}

int rlimitd_get(struct rlimitd *agent, const struct rlimitd_target *target, const int *resources, size_t count,
                struct rlimitd_limits *limits, struct rlimitd_error *error) {
    struct call call;
    int value = begin(&call, agent, target, error);
    if (value == 0) value = get(&call, resources, count, limits);
    return end(&call, value);
}

static int set(struct call *call, const struct rlimitd_edit *edits, size_t count, struct rlimitd_changes *changes,
               struct course *course) {
    if (require_one(call, "rlimitd_set_each") != 0) return -1;
    // Distinct resources are no more than sixteen; what is beyond that is not looked at.
    size_t looked_at = count > RLIMITD_EDITS ? RLIMITD_EDITS + 1 : count;
    if (require_edits(edits, looked_at, call->error) != 0) return -1;
    *course = (struct course){.agent = call->agent, .subject = &call->subject, .edits = edits, .count = looked_at,
                              .deadline = call->deadline, .result = changes};
    if (count > 0 && run_course(course, call->error) != 0) return -1;
    if (changes == NULL) return 0;
    changes->list = attach(changes, (count + 1) * sizeof *changes->list);
    if (changes->list == NULL) return fail_without_memory(call->error);
    memcpy(changes->list, course->changes, count * sizeof *changes->list);
    changes->count = count;
    return 0;
}

int rlimitd_set(struct rlimitd *agent, const struct rlimitd_target *target, const struct rlimitd_edit *edits, size_t count,
                struct rlimitd_changes **changes, struct rlimitd_error *error) {
    struct call call;
    struct course course;
    struct rlimitd_changes *made = NULL;
    int value = begin(&call, agent, target, error);
    if (value == 0 && changes != NULL && (made = make(&call, sizeof *made)) == NULL) value = -1;
    if (value == 0) value = set(&call, edits, count, made, &course);
    HAND_OUT(value, made, changes);
    return end(&call, value);
}

int rlimitd_raise(int resource, uint64_t to, struct rlimitd_limit *got) {
    struct call call;
    struct course course;
    struct rlimitd_edit edit = rlimitd_edit_raise(resource, to);
    int value = begin(&call, NULL, NULL, NULL);
    if (value == 0) value = set(&call, &edit, 1, NULL, &course);
    if (got != NULL && value == 0) *got = course.changes[0].after;
    if (got != NULL && value != 0) {
        struct rlimitd_error ignored;
        *got = (struct rlimitd_limit){0, 0};
        call.subject = (struct subject){.pidfd = -1, .name = "this process"};
        if (is_resource(resource)) read_limit(&call.subject, resource, got, &ignored);
    }
    return end(&call, value);
}

// ---- prlimit

static int take_prlimit(void *into, const Response *part, bool is_first, struct rlimitd_error *error) {
    if (!is_first) return fail_malformed(error, "an answer in parts that do not fit");
    return take_limit(part->prlimit->old, into, error);
}

void write_prlimit(Rlimitd__V1__Prlimit *message, Rlimitd__V1__Limit *limit, int resource,
                          const struct rlimitd_limit *new_limit) {
    rlimitd__v1__prlimit__init(message);
    rlimitd__v1__limit__init(limit);
    message->has_resource = 1;
    message->resource = wire_resource(resource);
    if (new_limit == NULL) return;
    limit->has_soft = limit->has_hard = 1;
    limit->soft = new_limit->soft;
    limit->hard = new_limit->hard;
    message->new_limit = limit;
}

static int ask_prlimit(struct call *call, int resource, const struct rlimitd_limit *new_limit, struct rlimitd_limit *old) {
    Rlimitd__V1__Prlimit message;
    Rlimitd__V1__Limit limit;
    Rlimitd__V1__Target target;
    Rlimitd__V1__Empty empty;
    struct inquiry inquiry;
    write_prlimit(&message, &limit, resource, new_limit);
    message.target = wire_target(&call->subject, &target, &empty);
    start_inquiry(&inquiry, &call->subject, new_limit == NULL);
    inquiry.request.operation_case = RLIMITD__V1__REQUEST__OPERATION_PRLIMIT;
    inquiry.request.prlimit = &message;
    inquiry.outcome = RLIMITD__V1__RESPONSE__OUTCOME_PRLIMIT;
    inquiry.take = take_prlimit;
    inquiry.into = old;
    return ask(call->agent, &inquiry, call->deadline, call->error);
}

// The kernel refused: asks the agent, as an edit where one half is to be lowered, which the agent does not do for everyone.
static int prlimit_by_agent(struct call *call, int resource, struct rlimitd_limit wanted, struct rlimitd_limit *old) {
    struct rlimitd_error refusal = *call->error, ignored;
    struct rlimitd_limit now;
    bool is_mixed = read_limit(&call->subject, resource, &now, &ignored) == 0 &&
                    (wanted.soft < now.soft || wanted.hard < now.hard);
    if (is_mixed) {
        struct rlimitd_edit edit = rlimitd_edit_exact(resource, wanted.soft, wanted.hard);
        struct course course;
        if (set(call, &edit, 1, NULL, &course) != 0) {
            call->error->edit_index = -1;
            return -1;
        }
        *old = course.changes[0].before;
        return 0;
    }
    if (ask_prlimit(call, resource, &wanted, old) == 0) return 0;
    struct rlimitd_error *error = call->error;
    if (error->code != RLIMITD_AGENT_UNREACHABLE && error->code != RLIMITD_UNTRUSTED_SOCKET) return -1;
    char said[RLIMITD_MESSAGE_SIZE];
    memcpy(said, error->message, sizeof said);
    set_text(error->message, sizeof error->message, refusal.message);
    append(error, ", and %s", said);
    error->resource = refusal.resource;
    return -1;
}

static int prlimit_call(struct call *call, int resource, const struct rlimitd_limit *new_limit, struct rlimitd_limit *old) {
    if (require_resource(resource, -1, call->error) != 0) return -1;
    if (new_limit != NULL && new_limit->soft > new_limit->hard) {
        char soft[LIMIT_TEXT_SIZE], hard[LIMIT_TEXT_SIZE];
        fail(call->error, RLIMITD_SOFT_EXCEEDS_HARD, "%s: soft %s is above hard %s", rlimitd_resource_name(resource),
             bound_text(new_limit->soft, soft), bound_text(new_limit->hard, hard));
        call->error->resource = resource;
        return -1;
    }
    if (!asks_kernel(call)) return ask_prlimit(call, resource, new_limit, old);
    if (new_limit == NULL) {
        struct rlimitd_limits limits;
        int value = read_shown(&call->subject, 1u << resource, &limits, call->error);
        if (value == 0) return ask_prlimit(call, resource, NULL, old);
        if (value > 0) *old = limits.of[resource];
        return value > 0 ? 0 : -1;
    }
    if (exchange_limit(&call->subject, resource, *new_limit, old, call->error) == 0) return 0;
    if (call->error->code != RLIMITD_DENIED_BY_KERNEL) return -1;
    return prlimit_by_agent(call, resource, *new_limit, old);
}

int rlimitd_prlimit(struct rlimitd *agent, const struct rlimitd_target *target, int resource,
                    const struct rlimitd_limit *new_limit, struct rlimitd_limit *old_limit, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_limit old;
    int value = begin(&call, agent, target, error);
    if (value == 0) value = prlimit_call(&call, resource, new_limit, &old);
    if (value == 0 && old_limit != NULL) *old_limit = old;
    return end(&call, value);
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

void write_usage(Rlimitd__V1__GetUsage *message, enum rlimitd_scope scope, pid_t thread) {
    rlimitd__v1__get_usage__init(message);
    message->has_scope = scope != RLIMITD_OF_PROCESS;
    message->scope = (Rlimitd__V1__UsageScope)scope;
    message->has_thread = scope == RLIMITD_OF_THREAD;
    message->thread = (uint64_t)thread;
}

static int take_usage_answer(void *into, const Response *part, bool is_first, struct rlimitd_error *error) {
    if (!is_first) return fail_malformed(error, "an answer in parts that do not fit");
    take_usage(part->usage, into);
    return 0;
}

static int usage_call(struct call *call, enum rlimitd_scope scope, pid_t thread, struct rlimitd_usage *usage) {
    if (require_scope(scope, thread, call->error) != 0) return -1;
    if (scope != RLIMITD_OF_THREAD && require_one(call, "rlimitd_usage_each") != 0) return -1;
    int value = asks_kernel(call) ? read_usage(&call->subject, scope, thread, usage, call->error) : 0;
    if (value != 0) return value > 0 ? 0 : -1;
    Rlimitd__V1__GetUsage message;
    Rlimitd__V1__Target target;
    Rlimitd__V1__Empty empty;
    struct inquiry inquiry;
    write_usage(&message, scope, thread);
    message.target = wire_target(&call->subject, &target, &empty);
    start_inquiry(&inquiry, &call->subject, true);
    inquiry.request.operation_case = RLIMITD__V1__REQUEST__OPERATION_USAGE;
    inquiry.request.usage = &message;
    inquiry.outcome = RLIMITD__V1__RESPONSE__OUTCOME_USAGE;
    inquiry.take = take_usage_answer;
    inquiry.into = usage;
    return ask(call->agent, &inquiry, call->deadline, call->error);
}

int rlimitd_usage(struct rlimitd *agent, const struct rlimitd_target *target, enum rlimitd_scope scope, pid_t thread,
                  struct rlimitd_usage *usage, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_usage told;
    int value = begin(&call, agent, target, error);
    if (value == 0) value = usage_call(&call, scope, thread, &told);
    if (value == 0 && usage != NULL) *usage = told;
    return end(&call, value);
}

// ---- The agent

int rlimitd_server_info(struct rlimitd *agent, struct rlimitd_server_info **info, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_server_info *made = NULL;
    Rlimitd__V1__GetServerInfo message = RLIMITD__V1__GET_SERVER_INFO__INIT;
    struct inquiry inquiry;
    int value = begin(&call, agent, NULL, error);
    if (value == 0 && (made = make(&call, sizeof *made)) == NULL) value = -1;
    start_inquiry(&inquiry, NULL, true);
    inquiry.request.operation_case = RLIMITD__V1__REQUEST__OPERATION_SERVER_INFO;
    inquiry.request.server_info = &message;
    inquiry.outcome = RLIMITD__V1__RESPONSE__OUTCOME_SERVER_INFO;
    inquiry.take = take_server_info;
    inquiry.into = made;
    if (value == 0) value = ask(call.agent, &inquiry, call.deadline, call.error);
    HAND_OUT(value, made, info);
    return end(&call, value);
}

int rlimitd_stats(struct rlimitd *agent, struct rlimitd_stats *stats, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_stats told;
    Rlimitd__V1__GetStats message = RLIMITD__V1__GET_STATS__INIT;
    struct inquiry inquiry;
    int value = begin(&call, agent, NULL, error);
    start_inquiry(&inquiry, NULL, true);
    inquiry.request.operation_case = RLIMITD__V1__REQUEST__OPERATION_STATS;
    inquiry.request.stats = &message;
    inquiry.outcome = RLIMITD__V1__RESPONSE__OUTCOME_STATS;
    inquiry.take = take_stats;
    inquiry.into = &told;
    if (value == 0) value = ask(call.agent, &inquiry, call.deadline, call.error);
    if (value == 0 && stats != NULL) *stats = told;
    return end(&call, value);
}
