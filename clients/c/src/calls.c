// The functions of rlimitd.h that take a way to the agent.
#include "internal.h"

#include <errno.h>
#include <string.h>

// One call: the way to the agent, the process it is about, and until when.
struct call {
    struct rlimitd *agent;
    struct rlimitd *own;  // made for this call alone
    uint64_t deadline;
    struct rlimitd_error *error;
    struct rlimitd_error room;
    struct subject subject;
};

static int begin(struct call *call, struct rlimitd *agent, const struct rlimitd_target *target,
                 struct rlimitd_error *error) {
    call->own = NULL;
    call->error = error != NULL ? error : &call->room;
    call->subject = (struct subject){.pidfd = -1};
    call->agent = agent;
    if (agent == NULL) call->agent = call->own = open_agent(NULL, call->error);
    if (call->agent == NULL) return -1;
    call->deadline = deadline_after(atomic_load(&call->agent->timeout_ms));
    return take_subject(&call->subject, target, call->error);
}

static int end(struct call *call, int value) {
    let_go(&call->subject);
    rlimitd_close(call->own);
    return result(value, call->error);
}

static bool asks_kernel(const struct call *call) {
    return (atomic_load(&call->agent->flags) & RLIMITD_AGENT_ONLY) == 0 && call->subject.kind != MANY;
}

static int require_one(const struct call *call, const char *others) {
    if (call->subject.kind != MANY) return 0;
    return fail(call->error, RLIMITD_INVALID_ARGUMENT, "this is about one process; of those of a cgroup or pod %s tells",
                others);
}

static int require_many(const struct call *call, const char *other) {
    if (call->subject.kind == MANY) return 0;
    return fail(call->error, RLIMITD_INVALID_ARGUMENT, "this is about the processes of a cgroup or pod; of one %s tells",
                other);
}

// A new result, in `*made` for whoever asked.
static void *make(struct call *call, size_t size) {
    void *made = new_result(size);
    if (made == NULL) fail_without_memory(call->error);
    return made;
}

// A result goes to whoever wants it, if it came to one.
#define HAND_OUT(value, made, out)        \
    do {                                  \
        if ((value) == 0 && (out) != NULL) \
            *(out) = (made);              \
        else                              \
            rlimitd_free(made);           \
    } while (0)

struct rlimitd *rlimitd_open(const struct rlimitd_options *options, struct rlimitd_error *error) {
    struct rlimitd_error room;
    if (error == NULL) error = &room;
    struct rlimitd *agent = open_agent(options, error);
    if (agent == NULL) result(-1, error);
    return agent;
}

// ---- Limits

// The resources of a list, a bit each; 0 where there is a wrong one.
static uint32_t resource_set(const int *resources, size_t count, struct rlimitd_error *error) {
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

static void write_prlimit(Rlimitd__V1__Prlimit *message, Rlimitd__V1__Limit *limit, int resource,
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

static int require_scope(enum rlimitd_scope scope, pid_t thread, struct rlimitd_error *error) {
    if (scope > RLIMITD_OF_THREAD) return fail(error, RLIMITD_INVALID_ARGUMENT, "unknown scope of usage %d", (int)scope);
    if (scope == RLIMITD_OF_THREAD && thread <= 0) {
        return fail(error, RLIMITD_INVALID_ARGUMENT, "%d is no thread id", (int)thread);
    }
    if (scope != RLIMITD_OF_THREAD && thread != 0) {
        return fail(error, RLIMITD_INVALID_ARGUMENT, "a thread is named, but the scope is not the thread's");
    }
    return 0;
}

static void write_usage(Rlimitd__V1__GetUsage *message, enum rlimitd_scope scope, pid_t thread) {
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

// ---- Cgroups and pods

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

// ---- What would come of it

static int require_duration(uint64_t duration_ms, struct rlimitd_error *error) {
    if (duration_ms <= GREATEST_LEASE) return 0;
    return fail(error, RLIMITD_INVALID_ARGUMENT, "a lease of %llu ms is longer than %llu ms",
                (unsigned long long)duration_ms, (unsigned long long)GREATEST_LEASE);
}

static int explain_set(struct call *call, const struct rlimitd_question *question, struct rlimitd_explanation *made) {
    size_t count = question->edit_count > RLIMITD_EDITS ? RLIMITD_EDITS + 1 : question->edit_count;
    if (count == 0) return fail(call->error, RLIMITD_INVALID_ARGUMENT, "there is no edit to explain");
    if (require_edits(question->edits, count, call->error) != 0) return -1;
    if (question->is_lease && require_duration(question->lease_ms, call->error) != 0) return -1;
    struct course course = {
        .agent = call->agent, .subject = &call->subject, .edits = question->edits, .count = count,
        .deadline = call->deadline, .is_question = true, .is_lease = question->is_lease, .lease_ms = question->lease_ms,
        .explanation = made,
    };
    return run_course(&course, call->error);
}

static int explain(struct call *call, const struct rlimitd_question *question, struct rlimitd_explanation *made) {
    struct wire_get room;
    Rlimitd__V1__Explain message = RLIMITD__V1__EXPLAIN__INIT;
    Rlimitd__V1__Prlimit prlimit_message;
    Rlimitd__V1__GetUsage usage_message;
    Rlimitd__V1__Limit limit;
    Rlimitd__V1__Target target;
    Rlimitd__V1__Empty empty;
    uint32_t resources;
    switch (question->operation) {
    case RLIMITD_SET:
        return explain_set(call, question, made);
    case RLIMITD_GET:
        resources = resource_set(question->resources, question->resource_count, call->error);
        if (resources == 0) return -1;
        write_get(&room, &call->subject, resources);
        message.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_GET;
        message.get = &room.get;
        break;
    case RLIMITD_PRLIMIT:
        if (require_resource(question->resource, -1, call->error) != 0) return -1;
        write_prlimit(&prlimit_message, &limit, question->resource, question->new_limit);
        prlimit_message.target = wire_target(&call->subject, &target, &empty);
        message.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_PRLIMIT;
        message.prlimit = &prlimit_message;
        break;
    case RLIMITD_USAGE:
        if (require_scope(question->scope, question->thread, call->error) != 0) return -1;
        write_usage(&usage_message, question->scope, question->thread);
        usage_message.target = wire_target(&call->subject, &target, &empty);
        message.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_USAGE;
        message.usage = &usage_message;
        break;
    default:
        return fail(call->error, RLIMITD_INVALID_ARGUMENT, "%d is no operation", (int)question->operation);
    }
    struct inquiry inquiry;
    start_inquiry(&inquiry, &call->subject, true);
    inquiry.request.operation_case = RLIMITD__V1__REQUEST__OPERATION_EXPLAIN;
    inquiry.request.explain = &message;
    inquiry.outcome = RLIMITD__V1__RESPONSE__OUTCOME_EXPLANATION;
    inquiry.take = take_explanation;
    inquiry.into = made;
    return ask(call->agent, &inquiry, call->deadline, call->error);
}

int rlimitd_explain(struct rlimitd *agent, const struct rlimitd_question *question,
                    struct rlimitd_explanation **explanation, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_explanation *made = NULL;
    int value = begin(&call, agent, question->target, error);
    if (value == 0 && (made = make(&call, sizeof *made)) == NULL) value = -1;
    if (value == 0) value = explain(&call, question, made);
    HAND_OUT(value, made, explanation);
    return end(&call, value);
}

// ---- Leases

void rlimitd_lease_id_text(const struct rlimitd_lease_id *id, char text[RLIMITD_LEASE_TEXT_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    size_t length = id->length <= sizeof id->bytes ? id->length : sizeof id->bytes;
    for (size_t place = 0; place < length; place++) {
        *text++ = digits[id->bytes[place] >> 4];
        *text++ = digits[id->bytes[place] & 15];
    }
    *text = '\0';
}

int rlimitd_lease_id_parse(const char *text, struct rlimitd_lease_id *id) {
    static const char digits[] = "0123456789abcdefABCDEF";
    size_t count = strlen(text);
    bool is_one = count >= 2 && count <= 2 * sizeof id->bytes && count % 2 == 0 && strspn(text, digits) == count;
    if (!is_one) {
        errno = EINVAL;
        return -1;
    }
    *id = (struct rlimitd_lease_id){.length = count / 2};
    for (size_t place = 0; place < count; place++) {
        size_t digit = (size_t)(strchr(digits, text[place]) - digits);
        if (digit > 15) digit -= 6;
        id->bytes[place / 2] = (unsigned char)(id->bytes[place / 2] << 4 | digit);
    }
    return 0;
}

static int lease_call(struct call *call, const struct rlimitd_edit *edits, size_t count, uint64_t duration_ms,
                      struct rlimitd_lease *made) {
    size_t looked_at = count > RLIMITD_EDITS ? RLIMITD_EDITS + 1 : count;
    if (count == 0) return fail(call->error, RLIMITD_INVALID_ARGUMENT, "there is no edit to lease");
    if (require_edits(edits, looked_at, call->error) != 0 || require_duration(duration_ms, call->error) != 0) return -1;
    if (duration_ms == 0 && call->own != NULL) {
        return fail(call->error, RLIMITD_INVALID_ARGUMENT,
                    "a lease that lasts as long as the connection needs one that lasts: rlimitd_open makes it");
    }
    struct course course = {
        .agent = call->agent, .subject = &call->subject, .edits = edits, .count = looked_at, .deadline = call->deadline,
        .is_lease = true, .lease_ms = duration_ms, .result = made,
    };
    if (run_course(&course, call->error) != 0) return -1;
    *made = course.lease;
    made->count = count;
    made->changes = attach(made, count * sizeof *made->changes);
    if (made->changes == NULL) return fail_without_memory(call->error);
    memcpy(made->changes, course.changes, count * sizeof *made->changes);
    return 0;
}

int rlimitd_lease(struct rlimitd *agent, const struct rlimitd_target *target, const struct rlimitd_edit *edits,
                  size_t count, uint64_t duration_ms, struct rlimitd_lease **lease, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_lease *made = NULL;
    int value = begin(&call, agent, target, error);
    if (value == 0 && (made = make(&call, sizeof *made)) == NULL) value = -1;
    if (value == 0) value = lease_call(&call, edits, count, duration_ms, made);
    HAND_OUT(value, made, lease);
    return end(&call, value);
}

static int write_id(const struct rlimitd_lease_id *id, ProtobufCBinaryData *data, struct rlimitd_error *error) {
    if (id->length < 1 || id->length > sizeof id->bytes) {
        return fail(error, RLIMITD_INVALID_ARGUMENT, "the name of a lease has 1 to 64 bytes, not %zu", id->length);
    }
    data->len = id->length;
    data->data = (uint8_t *)(uintptr_t)id->bytes;
    return 0;
}

static int take_renewed(void *into, const Response *part, bool is_first, struct rlimitd_error *error) {
    if (!is_first) return fail_malformed(error, "an answer in parts that do not fit");
    return take_lease(into, part->lease, into, error);
}

static int renew(struct call *call, const struct rlimitd_lease_id *id, uint64_t duration_ms, struct rlimitd_lease *made) {
    Rlimitd__V1__LeaseRenew message = RLIMITD__V1__LEASE_RENEW__INIT;
    struct inquiry inquiry;
    if (write_id(id, &message.lease, call->error) != 0 || require_duration(duration_ms, call->error) != 0) return -1;
    message.has_lease = message.has_duration_ms = 1;
    message.duration_ms = duration_ms;
    start_inquiry(&inquiry, NULL, false);
    inquiry.request.operation_case = RLIMITD__V1__REQUEST__OPERATION_LEASE_RENEW;
    inquiry.request.lease_renew = &message;
    inquiry.outcome = RLIMITD__V1__RESPONSE__OUTCOME_LEASE;
    inquiry.take = take_renewed;
    inquiry.into = made;
    if (ask(call->agent, &inquiry, call->deadline, call->error) != 0) return -1;
    bool fits = made->id.length == id->length && memcmp(made->id.bytes, id->bytes, id->length) == 0;
    return fits ? 0 : fail_other_answer(call->agent, call->error);
}

int rlimitd_lease_renew(struct rlimitd *agent, const struct rlimitd_lease_id *id, uint64_t duration_ms,
                        struct rlimitd_lease **lease, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_lease *made = NULL;
    int value = begin(&call, agent, NULL, error);
    if (value == 0 && (made = make(&call, sizeof *made)) == NULL) value = -1;
    if (value == 0) value = renew(&call, id, duration_ms, made);
    HAND_OUT(value, made, lease);
    return end(&call, value);
}

static int release(struct call *call, const struct rlimitd_lease_id *id, struct rlimitd_restorations *made) {
    Rlimitd__V1__LeaseRelease message = RLIMITD__V1__LEASE_RELEASE__INIT;
    struct inquiry inquiry;
    if (write_id(id, &message.lease, call->error) != 0) return -1;
    message.has_lease = 1;
    start_inquiry(&inquiry, NULL, false);
    inquiry.request.operation_case = RLIMITD__V1__REQUEST__OPERATION_LEASE_RELEASE;
    inquiry.request.lease_release = &message;
    inquiry.outcome = RLIMITD__V1__RESPONSE__OUTCOME_RESTORATIONS;
    inquiry.take = take_restorations;
    inquiry.into = made;
    return ask(call->agent, &inquiry, call->deadline, call->error);
}

int rlimitd_lease_release(struct rlimitd *agent, const struct rlimitd_lease_id *id,
                          struct rlimitd_restorations **restorations, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_restorations *made = NULL;
    int value = begin(&call, agent, NULL, error);
    if (value == 0 && (made = make(&call, sizeof *made)) == NULL) value = -1;
    if (value == 0) value = release(&call, id, made);
    HAND_OUT(value, made, restorations);
    return end(&call, value);
}

int rlimitd_lease_list(struct rlimitd *agent, struct rlimitd_leases **leases, struct rlimitd_error *error) {
    struct call call;
    struct lease_taking taking = {NULL, 0};
    Rlimitd__V1__LeaseList message = RLIMITD__V1__LEASE_LIST__INIT;
    struct inquiry inquiry;
    int value = begin(&call, agent, NULL, error);
    if (value == 0 && (taking.leases = make(&call, sizeof *taking.leases)) == NULL) value = -1;
    start_inquiry(&inquiry, NULL, true);
    inquiry.request.operation_case = RLIMITD__V1__REQUEST__OPERATION_LEASE_LIST;
    inquiry.request.lease_list = &message;
    inquiry.outcome = RLIMITD__V1__RESPONSE__OUTCOME_LEASES;
    inquiry.take = take_leases;
    inquiry.into = &taking;
    if (value == 0) value = ask(call.agent, &inquiry, call.deadline, call.error);
    HAND_OUT(value, taking.leases, leases);
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
