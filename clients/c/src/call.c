#include "call.h"

#include <pthread.h>

int begin(struct call *call, struct rlimitd *agent, const struct rlimitd_target *target,
                 struct rlimitd_error *error) {
    // Whoever is cancelled in the middle would keep the lock for ever.
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &call->cancelling);
    call->own = NULL;
    call->error = error != NULL ? error : &call->room;
    call->subject = (struct subject){.pidfd = -1};
    call->agent = agent;
    if (agent == NULL) call->agent = call->own = open_agent(NULL, call->error);
    if (call->agent == NULL) return -1;
    call->deadline = deadline_after(atomic_load(&call->agent->timeout_ms));
    return take_subject(&call->subject, target, call->error);
}

int end(struct call *call, int value) {
    let_go(&call->subject);
    rlimitd_close(call->own);
    value = result(value, call->error);
    int ignored;
    pthread_setcancelstate(call->cancelling, &ignored);
    return value;
}

bool asks_kernel(const struct call *call) {
    return (atomic_load(&call->agent->flags) & RLIMITD_AGENT_ONLY) == 0 && call->subject.kind != MANY;
}

int require_one(const struct call *call, const char *others) {
    if (call->subject.kind != MANY) return 0;
    return fail(call->error, RLIMITD_INVALID_ARGUMENT, "this is about one process; of those of a cgroup or pod %s tells",
                others);
}

int require_many(const struct call *call, const char *other) {
    if (call->subject.kind == MANY) return 0;
    return fail(call->error, RLIMITD_INVALID_ARGUMENT, "this is about the processes of a cgroup or pod; of one %s tells",
                other);
}

void *make(struct call *call, size_t size) {
    void *made = new_result(size);
    if (made == NULL) fail_without_memory(call->error);
    return made;
}

int require_duration(uint64_t duration_ms, struct rlimitd_error *error) {
    if (duration_ms <= GREATEST_LEASE) return 0;
    return fail(error, RLIMITD_INVALID_ARGUMENT, "a lease of %llu ms is longer than %llu ms",
                (unsigned long long)duration_ms, (unsigned long long)GREATEST_LEASE);
}
