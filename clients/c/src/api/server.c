#include "api/call.h"
#include "wire/server_decoder.h"

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
