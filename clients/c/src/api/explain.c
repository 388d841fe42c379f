#include "api/arguments.h"
#include "api/call.h"
#include "edit/edit_checks.h"
#include "edit/edit_operation.h"
#include "model/error.h"
#include "model/resource.h"
#include "wire/list_decoder.h"
#include "wire/request_encoder.h"

static int explain_set(struct call *call, const struct rlimitd_question *question,
                       struct rlimitd_explanation *created) {
    size_t count = question->edit_count > RLIMITD_EDITS ? RLIMITD_EDITS + 1 : question->edit_count;
    if (count == 0) return fail(call->error, RLIMITD_INVALID_ARGUMENT, "there is no edit to explain");
    if (require_edits(question->edits, count, call->error) != 0) return -1;
    if (question->is_lease && require_duration(question->lease_ms, call->error) != 0) return -1;
    struct edit_operation operation = {
        .agent = call->agent, .resolved = &call->resolved, .edits = question->edits, .count = count,
        .deadline = call->deadline, .is_explain = true, .is_lease = question->is_lease, .lease_ms = question->lease_ms,
        .explanation = created,
    };
    return run_edit_operation(&operation, call->error);
}

static int explain(struct call *call, const struct rlimitd_question *question, struct rlimitd_explanation *created) {
    struct get_message storage;
    Rlimitd__V1__Explain message = RLIMITD__V1__EXPLAIN__INIT;
    Rlimitd__V1__Prlimit prlimit_message;
    Rlimitd__V1__GetUsage usage_message;
    Rlimitd__V1__Limit limit;
    Rlimitd__V1__Target target;
    Rlimitd__V1__Empty empty;
    uint32_t resources;
    switch (question->operation) {
    case RLIMITD_SET:
        return explain_set(call, question, created);
    case RLIMITD_GET:
        resources = resource_set(question->resources, question->resource_count, call->error);
        if (resources == 0) return -1;
        encode_get(&storage, &call->resolved, resources);
        message.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_GET;
        message.get = &storage.get;
        break;
    case RLIMITD_PRLIMIT:
        if (require_resource(question->resource, -1, call->error) != 0) return -1;
        encode_prlimit(&prlimit_message, &limit, question->resource, question->new_limit);
        prlimit_message.target = encode_target(&call->resolved, &target, &empty);
        message.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_PRLIMIT;
        message.prlimit = &prlimit_message;
        break;
    case RLIMITD_USAGE:
        if (require_scope(question->scope, question->thread, call->error) != 0) return -1;
        encode_usage(&usage_message, question->scope, question->thread);
        usage_message.target = encode_target(&call->resolved, &target, &empty);
        message.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_USAGE;
        message.usage = &usage_message;
        break;
    default:
        return fail(call->error, RLIMITD_INVALID_ARGUMENT, "%d is not an operation", (int)question->operation);
    }
    struct agent_request agent_request;
    init_agent_request(&agent_request, &call->resolved, true);
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_EXPLAIN;
    agent_request.message.explain = &message;
    agent_request.expected_outcome = RLIMITD__V1__RESPONSE__OUTCOME_EXPLANATION;
    agent_request.decode = decode_explanation;
    agent_request.destination = created;
    return call_agent(call->agent, &agent_request, call->deadline, call->error);
}

int rlimitd_explain(struct rlimitd *agent, const struct rlimitd_question *question,
                    struct rlimitd_explanation **explanation, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_explanation *created = NULL;
    int value = begin_call(&call, agent, question->target, error);
    if (value == 0 && (created = new_call_result(&call, sizeof *created)) == NULL) value = -1;
    if (value == 0) value = explain(&call, question, created);
    RETURN_RESULT(value, created, explanation);
    return end_call(&call, value);
}
