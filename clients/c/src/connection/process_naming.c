#include "connection/process_naming.h"

#include <string.h>

#include "kernel/process_identity.h"
#include "model/error.h"

static int decode_naming(void *destination, const Response *part, bool is_first, struct rlimitd_error *error) {
    (void)is_first;
    (void)error;
    const Rlimitd__V1__ServerInfo *info = part->server_info;
    bool compares_identity = false;
    for (size_t i = 0; i < info->n_features; i++) {
        if (strcmp(info->features[i], "pid-identity") == 0) compares_identity = true;
    }
    uint32_t naming = NAMING_IS_KNOWN;
    const Rlimitd__V1__Caller *caller = info->caller;
    if (compares_identity && caller != NULL && caller->namespace_depth == 1) naming |= NAMING_BY_PID;
    if (caller == NULL || !caller->has_may_attach || caller->may_attach) naming |= NAMING_BY_PIDFD;
    *(uint32_t *)destination = naming;
    return 0;
}

static enum exchange_outcome ask_naming(struct rlimitd *agent, uint64_t deadline, struct rlimitd_error *error) {
    Rlimitd__V1__GetServerInfo message = RLIMITD__V1__GET_SERVER_INFO__INIT;
    struct agent_request agent_request;
    uint32_t naming = 0;
    init_agent_request(&agent_request, NULL, true);
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_SERVER_INFO;
    agent_request.message.server_info = &message;
    agent_request.expected_outcome = RLIMITD__V1__RESPONSE__OUTCOME_SERVER_INFO;
    agent_request.decode = decode_naming;
    agent_request.destination = &naming;
    enum exchange_outcome outcome = exchange(agent, &agent_request, deadline, error);
    if (outcome == EXCHANGE_FAILED && error->code == RLIMITD_UNSUPPORTED) {
        naming = NAMING_IS_KNOWN | NAMING_BY_PIDFD;
        outcome = EXCHANGE_DONE;
    }
    if (outcome == EXCHANGE_DONE) agent->naming = naming;
    // The request itself was not sent.
    return outcome == EXCHANGE_NOT_ANSWERED ? EXCHANGE_NOT_SENT : outcome;
}

static Rlimitd__V1__Target *target_of(const Request *request) {
    switch (request->operation_case) {
    case RLIMITD__V1__REQUEST__OPERATION_GET: return request->get->target;
    case RLIMITD__V1__REQUEST__OPERATION_SET: return request->set->target;
    case RLIMITD__V1__REQUEST__OPERATION_PRLIMIT: return request->prlimit->target;
    case RLIMITD__V1__REQUEST__OPERATION_USAGE: return request->usage->target;
    case RLIMITD__V1__REQUEST__OPERATION_EXPLAIN: break;
    default: return NULL;
    }
    const Rlimitd__V1__Explain *explain = request->explain;
    switch (explain->operation_case) {
    case RLIMITD__V1__EXPLAIN__OPERATION_GET: return explain->get->target;
    case RLIMITD__V1__EXPLAIN__OPERATION_SET: return explain->set->target;
    case RLIMITD__V1__EXPLAIN__OPERATION_PRLIMIT: return explain->prlimit->target;
    case RLIMITD__V1__EXPLAIN__OPERATION_USAGE: return explain->usage->target;
    default: return NULL;
    }
}

static void name_by_pidfd(struct agent_request *agent_request, Rlimitd__V1__Target *target, bool is_attached) {
    static Rlimitd__V1__Empty empty = RLIMITD__V1__EMPTY__INIT;
    rlimitd__v1__target__init(target);
    target->process_case = RLIMITD__V1__TARGET__PROCESS_PIDFD;
    target->pidfd = &empty;
    agent_request->pidfd = is_attached ? agent_request->held->pidfd : -1;
}

// True if the request names the process by its pid alone.
static bool name_by_pid(struct agent_request *agent_request, Rlimitd__V1__Target *target, bool may_attach) {
    const struct resolved_target *held = agent_request->held;
    struct process_identity identity = {.kind = IDENTITY_UNKNOWN};
    // A get without an identity is the agent's fastest request, and its response is discarded if the process has ended.
    if (!agent_request->only_reads) {
        identity = identity_of_process(held->pidfd, held->pid);
        if (identity.kind == IDENTITY_UNKNOWN && may_attach) {
            name_by_pidfd(agent_request, target, true);
            return false;
        }
    }
    rlimitd__v1__target__init(target);
    target->process_case = RLIMITD__V1__TARGET__PROCESS_PID;
    target->pid = (uint64_t)held->pid;
    target->has_pidfd_inode = identity.kind == IDENTITY_INODE;
    target->pidfd_inode = identity.value;
    target->has_start_time = identity.kind == IDENTITY_START_TIME;
    target->start_time = identity.value;
    agent_request->pidfd = -1;
    return identity.kind == IDENTITY_UNKNOWN;
}

// Whether an error of the agent is a statement about the process of the pid.
static bool concerns_process(enum rlimitd_code code) {
    switch (code) {
    case RLIMITD_DENIED_BY_POLICY:
    case RLIMITD_DENIED_BY_KERNEL:
    case RLIMITD_CONFLICT:
    case RLIMITD_SOFT_EXCEEDS_HARD:
    case RLIMITD_ABOVE_SYSTEM_CEILING: return true;
    default: return false;
    }
}

enum exchange_outcome exchange_about_process(struct rlimitd *agent, struct agent_request *agent_request,
                                             uint64_t deadline, struct rlimitd_error *error) {
    const struct resolved_target *held = agent_request->held;
    Rlimitd__V1__Target *target = target_of(&agent_request->message);
    if (target == NULL) return exchange(agent, agent_request, deadline, error);
    // Process 1 has a pid that no request may name. If the process cannot be named, the agent is asked again, because
    // another policy can let this caller send pidfds.
    bool has_pid = held->pid > 1;
    if ((agent->naming & NAMING_BY_PIDFD) == 0 && (!has_pid || (agent->naming & NAMING_BY_PID) == 0)) {
        enum exchange_outcome asked = ask_naming(agent, deadline, error);
        if (asked != EXCHANGE_DONE) return asked;
    }
    bool may_attach = (agent->naming & NAMING_BY_PIDFD) != 0, is_by_pid_alone = false;
    if (has_pid && (agent->naming & NAMING_BY_PID) != 0) {
        is_by_pid_alone = name_by_pid(agent_request, target, may_attach);
    } else {
        // Without a descriptor the agent refuses, and says which rule would help.
        name_by_pidfd(agent_request, target, may_attach);
    }
    enum exchange_outcome outcome = exchange(agent, agent_request, deadline, error);
    if (!is_by_pid_alone) return outcome;
    bool is_about_process = outcome == EXCHANGE_DONE || (outcome == EXCHANGE_FAILED && concerns_process(error->code));
    struct rlimitd_error ended;
    if (!is_about_process || require_alive(held, &ended) == 0) return outcome;
    *error = ended;
    if (outcome == EXCHANGE_DONE && !agent_request->only_reads) {
        fail(error, RLIMITD_TARGET_CHANGED, "%s ended during the call; a later process with its pid may have been changed",
             held->name);
    }
    return EXCHANGE_FAILED;
}
