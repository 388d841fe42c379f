#include "api/arguments.h"
#include "api/call.h"
#include "kernel/process_usage.h"
#include "wire/request_encoder.h"
#include "wire/value_decoder.h"

static int decode_usage_response(void *destination, const Response *part, bool is_first, struct rlimitd_error *error) {
    if (!is_first) return fail_malformed_response(error, "a response whose parts do not fit together");
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
