#include "api/call.h"
#include "api/limits.h"
#include "kernel/process_limits.h"
#include "model/error.h"
#include "model/limit.h"
#include "model/resource.h"
#include "wire/request_encoder.h"
#include "wire/value_decoder.h"

static int decode_prlimit_response(void *destination, const Response *part, bool is_first,
                                   struct rlimitd_error *error) {
    if (!is_first) return fail_malformed_response(error, "a response whose parts do not fit together");
    return decode_limit(part->prlimit->old, destination, error);
}

static int call_prlimit(struct call *call, int resource, const struct rlimitd_limit *new_limit,
                        struct rlimitd_limit *old) {
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

// Asks the agent after the kernel has refused. If one half is to be lowered, applies an edit instead: the client lowers
// that half itself, because the agent lowers limits only by rules that permit it.
static int prlimit_by_agent(struct call *call, int resource, struct rlimitd_limit wanted, struct rlimitd_limit *old) {
    struct rlimitd_error refusal = *call->error, ignored;
    struct rlimitd_limit now;
    bool is_mixed = read_limit(&call->resolved, resource, &now, &ignored) == 0 &&
                    (wanted.soft < now.soft || wanted.hard < now.hard);
    if (is_mixed) {
        struct rlimitd_edit edit = rlimitd_edit_exact(resource, wanted.soft, wanted.hard);
        struct edit_operation operation;
        if (apply_edits(call, &edit, 1, NULL, &operation) != 0) {
            call->error->edit_index = -1;
            return -1;
        }
        *old = operation.changes[0].before;
        return 0;
    }
    if (call_prlimit(call, resource, &wanted, old) == 0) return 0;
    struct rlimitd_error *error = call->error;
    if (error->code != RLIMITD_AGENT_UNREACHABLE && error->code != RLIMITD_UNTRUSTED_SOCKET) return -1;
    prepend_message(error, "%s", refusal.message);
    error->resource = refusal.resource;
    return -1;
}

static int prlimit_call(struct call *call, int resource, const struct rlimitd_limit *new_limit,
                        struct rlimitd_limit *old) {
    if (require_resource(resource, -1, call->error) != 0) return -1;
    if (new_limit != NULL && require_ordered(*new_limit, resource, -1, call->error) != 0) return -1;
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
                    const struct rlimitd_limit *new_limit, struct rlimitd_limit *old_limit,
                    struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_limit old;
    int value = begin_call(&call, agent, target, error);
    if (value == 0) value = prlimit_call(&call, resource, new_limit, &old);
    if (value == 0 && old_limit != NULL) *old_limit = old;
    return end_call(&call, value);
}
