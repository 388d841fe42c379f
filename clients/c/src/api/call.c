#include "api/call.h"

#include <pthread.h>

#include "kernel/clock.h"
#include "model/error.h"
#include "model/result.h"

int begin_call(struct call *call, struct rlimitd *agent, const struct rlimitd_target *target,
               struct rlimitd_error *error) {
    // A thread that is cancelled while it holds the lock would never release it.
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &call->cancel_state);
    call->temporary = NULL;
    call->error = error != NULL ? error : &call->local_error;
    call->resolved = (struct resolved_target){.pidfd = -1};
    call->agent = agent;
    if (agent == NULL) call->agent = call->temporary = open_agent(NULL, call->error);
    if (call->agent == NULL) return -1;
    call->deadline = deadline_after(atomic_load(&call->agent->timeout_ms));
    return resolve_target(&call->resolved, target, call->error);
}

int end_call(struct call *call, int value) {
    release_target(&call->resolved);
    rlimitd_close(call->temporary);
    value = set_errno(value, call->error);
    int ignored;
    pthread_setcancelstate(call->cancel_state, &ignored);
    return value;
}

bool uses_kernel(const struct call *call) {
    return (atomic_load(&call->agent->flags) & RLIMITD_AGENT_ONLY) == 0 && call->resolved.kind != TARGET_PROCESSES;
}

int require_single_process(const struct call *call, const char *others) {
    if (call->resolved.kind != TARGET_PROCESSES) return 0;
    return fail(call->error, RLIMITD_INVALID_ARGUMENT, "this function takes one process; for a cgroup or pod use %s",
                others);
}

int require_group(const struct call *call, const char *other) {
    if (call->resolved.kind == TARGET_PROCESSES) return 0;
    return fail(call->error, RLIMITD_INVALID_ARGUMENT, "this function takes a cgroup or pod; for one process use %s",
                other);
}

void *new_call_result(struct call *call, size_t size) {
    void *created = allocate_result(size);
    if (created == NULL) fail_out_of_memory(call->error);
    return created;
}
