#include "api/arguments.h"
#include "api/call.h"
#include "edit/edit_checks.h"
#include "edit/uniform_edit.h"
#include "model/error.h"
#include "wire/list_decoder.h"
#include "wire/request_encoder.h"

static int call_processes(struct call *call, struct agent_request *agent_request,
                          struct process_list_decoder *decoder) {
    agent_request->expected_outcome = RLIMITD__V1__RESPONSE__OUTCOME_PROCESSES;
    agent_request->decode = decode_processes;
    agent_request->destination = decoder;
    return call_agent(call->agent, agent_request, call->deadline, call->error);
}

static int get_each(struct call *call, const int *resources, size_t count, struct process_list_decoder *decoder) {
    struct get_message storage;
    struct agent_request agent_request;
    decoder->resources = resource_set(resources, count, call->error);
    decoder->outcome = RLIMITD__V1__PROCESS_RESULT__OUTCOME_LIMITS;
    if (decoder->resources == 0 || require_group(call, "rlimitd_get") != 0) return -1;
    encode_get(&storage, &call->resolved, decoder->resources);
    init_agent_request(&agent_request, &call->resolved, true);
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_GET;
    agent_request.message.get = &storage.get;
    return call_processes(call, &agent_request, decoder);
}

static int set_each(struct call *call, const struct rlimitd_edit *edits, size_t count,
                    struct process_list_decoder *decoder) {
    struct set_message storage;
    struct agent_request agent_request;
    struct numeric_edit numbers[RLIMITD_EDITS];
    if (require_group(call, "rlimitd_set") != 0) return -1;
    if (count == 0) return fail(call->error, RLIMITD_INVALID_ARGUMENT, "there is no edit to apply");
    if (require_edits(edits, count > RLIMITD_EDITS ? RLIMITD_EDITS + 1 : count, call->error) != 0) return -1;
    for (size_t i = 0; i < count; i++) {
        bool is_symbolic;
        if (make_uniform_edit(&edits[i], (int)i, &numbers[i], &is_symbolic, call->error) != 0) return -1;
        if (is_symbolic) decoder->symbolic |= 1u << i;
    }
    decoder->outcome = RLIMITD__V1__PROCESS_RESULT__OUTCOME_CHANGES;
    decoder->edits = edits;
    decoder->edit_count = count;
    encode_set(&storage, &call->resolved, numbers, count, NULL);
    init_agent_request(&agent_request, &call->resolved, false);
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_SET;
    agent_request.message.set = &storage.set;
    return call_processes(call, &agent_request, decoder);
}

static int usage_each(struct call *call, enum rlimitd_scope scope, struct process_list_decoder *decoder) {
    Rlimitd__V1__GetUsage message;
    Rlimitd__V1__Target target;
    Rlimitd__V1__Empty empty;
    struct agent_request agent_request;
    if (require_group(call, "rlimitd_usage") != 0) return -1;
    if (scope >= RLIMITD_OF_THREAD) {
        return fail(call->error, RLIMITD_INVALID_ARGUMENT, "a thread belongs to one process, not to a cgroup or pod");
    }
    decoder->outcome = RLIMITD__V1__PROCESS_RESULT__OUTCOME_USAGE;
    encode_usage(&message, scope, 0);
    message.target = encode_target(&call->resolved, &target, &empty);
    init_agent_request(&agent_request, &call->resolved, true);
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_USAGE;
    agent_request.message.usage = &message;
    return call_processes(call, &agent_request, decoder);
}

static int begin_each(struct call *call, struct rlimitd *agent, const struct rlimitd_target *target,
                      struct process_list_decoder *decoder, struct rlimitd_error *error) {
    *decoder = (struct process_list_decoder){0};
    if (begin_call(call, agent, target, error) != 0) return -1;
    decoder->processes = new_call_result(call, sizeof *decoder->processes);
    return decoder->processes != NULL ? 0 : -1;
}

int rlimitd_get_each(struct rlimitd *agent, const struct rlimitd_target *target, const int *resources, size_t count,
                     struct rlimitd_processes **processes, struct rlimitd_error *error) {
    struct call call;
    struct process_list_decoder decoder;
    int value = begin_each(&call, agent, target, &decoder, error);
    if (value == 0) value = get_each(&call, resources, count, &decoder);
    RETURN_RESULT(value, decoder.processes, processes);
    return end_call(&call, value);
}

int rlimitd_set_each(struct rlimitd *agent, const struct rlimitd_target *target, const struct rlimitd_edit *edits,
                     size_t count, struct rlimitd_processes **processes, struct rlimitd_error *error) {
    struct call call;
    struct process_list_decoder decoder;
    int value = begin_each(&call, agent, target, &decoder, error);
    if (value == 0) value = set_each(&call, edits, count, &decoder);
    RETURN_RESULT(value, decoder.processes, processes);
    return end_call(&call, value);
}

int rlimitd_usage_each(struct rlimitd *agent, const struct rlimitd_target *target, enum rlimitd_scope scope,
                       struct rlimitd_processes **processes, struct rlimitd_error *error) {
    struct call call;
    struct process_list_decoder decoder;
    int value = begin_each(&call, agent, target, &decoder, error);
    if (value == 0) value = usage_each(&call, scope, &decoder);
    RETURN_RESULT(value, decoder.processes, processes);
    return end_call(&call, value);
}
