#include "edit/edit_requests.h"

#include "connection/connection_errors.h"
#include "model/error.h"
#include "model/limit.h"
#include "model/resource.h"
#include "wire/list_decoder.h"
#include "wire/request_encoder.h"
#include "wire/value_decoder.h"

static int decode_limits_response(void *destination, const Response *part, bool is_first, struct rlimitd_error *error) {
    (void)is_first;
    return decode_limits(part->limits, destination, error);
}

int call_get_limits(struct rlimitd *agent, const struct resolved_target *resolved, uint32_t resources,
                    uint64_t deadline, struct rlimitd_limits *limits, struct rlimitd_error *error) {
    struct get_message storage;
    struct agent_request agent_request;
    encode_get(&storage, resolved, resources);
    init_agent_request(&agent_request, resolved, true);
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_GET;
    agent_request.message.get = &storage.get;
    agent_request.expected_outcome = RLIMITD__V1__RESPONSE__OUTCOME_LIMITS;
    agent_request.decode = decode_limits_response;
    agent_request.destination = limits;
    *limits = (struct rlimitd_limits){0};
    if (call_agent(agent, &agent_request, deadline, error) != 0) return -1;
    if ((limits->known & resources) != resources) return fail_wrong_response(agent, error);
    limits->known &= resources;
    return 0;
}

struct change_list_decoder {
    const void *result;
    struct rlimitd_change *changes;  // RLIMITD_EDITS of them
    size_t count;
    struct rlimitd_lease *lease;     // NULL: the request had no lease
    bool has_lease;
};

static int decode_changes_response(void *destination, const Response *part, bool is_first,
                                   struct rlimitd_error *error) {
    struct change_list_decoder *decoder = destination;
    const Rlimitd__V1__ChangeList *message = part->changes;
    if (is_first) decoder->count = 0;
    if (message->n_changes > RLIMITD_EDITS - decoder->count) {
        return fail_malformed_response(error, "a response about too many edits");
    }
    for (size_t i = 0; i < message->n_changes; i++) {
        if (decode_change(decoder->result, message->changes[i], &decoder->changes[decoder->count++], error) != 0) {
            return -1;
        }
    }
    if (message->lease == NULL || decoder->lease == NULL) return 0;
    if (decoder->has_lease) return fail_malformed_response(error, "a response with two leases");
    decoder->has_lease = true;
    return decode_lease(decoder->result, message->lease, decoder->lease, error);
}

int call_set(struct edit_operation *operation, const struct numeric_edit *edits, size_t count,
             struct rlimitd_change *changes, struct rlimitd_error *error) {
    struct set_message storage;
    struct agent_request agent_request;
    struct change_list_decoder decoder = {
        .result = operation->result, .changes = changes, .lease = operation->is_lease ? &operation->lease : NULL};
    encode_set(&storage, operation->resolved, edits, count, operation->is_lease ? &operation->lease_ms : NULL);
    init_agent_request(&agent_request, operation->resolved, false);
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_SET;
    agent_request.message.set = &storage.set;
    agent_request.expected_outcome = RLIMITD__V1__RESPONSE__OUTCOME_CHANGES;
    agent_request.decode = decode_changes_response;
    agent_request.destination = &decoder;
    if (call_agent(operation->agent, &agent_request, operation->deadline, error) != 0) return -1;
    bool fits = decoder.count == count && (decoder.has_lease || !operation->is_lease);
    for (size_t i = 0; fits && i < count; i++) fits = changes[i].resource == edits[i].resource;
    return fits ? 0 : fail_wrong_response(operation->agent, error);
}

int call_explain_set(struct edit_operation *operation, const struct numeric_edit *edits, struct rlimitd_error *error) {
    struct set_message storage;
    struct agent_request agent_request;
    Rlimitd__V1__Explain explain = RLIMITD__V1__EXPLAIN__INIT;
    encode_set(&storage, operation->resolved, edits, operation->count,
               operation->is_lease ? &operation->lease_ms : NULL);
    init_agent_request(&agent_request, operation->resolved, true);
    explain.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_SET;
    explain.set = &storage.set;
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_EXPLAIN;
    agent_request.message.explain = &explain;
    agent_request.expected_outcome = RLIMITD__V1__RESPONSE__OUTCOME_EXPLANATION;
    agent_request.decode = decode_explanation;
    agent_request.destination = operation->explanation;
    return call_agent(operation->agent, &agent_request, operation->deadline, error);
}

static int decode_max_limits(void *destination, const Response *part, bool is_first, struct rlimitd_error *error) {
    (void)is_first;
    struct max_limits_decoder *decoder = destination;
    for (size_t i = 0; i < part->explanation->n_verdicts; i++) {
        const Rlimitd__V1__Verdict *verdict = part->explanation->verdicts[i];
        int resource = resource_from_wire(verdict->resource);
        Limit limit;
        if (resource < 0) continue;
        // The larger of the maximum that policy grants and the present hard limit.
        const Rlimitd__V1__Limit *candidates[] = {verdict->most, verdict->now};
        decoder->max[resource] = 0;
        for (int candidate = 0; candidate < 2; candidate++) {
            if (candidates[candidate] == NULL) continue;
            if (decode_limit(candidates[candidate], &limit, error) != 0) return -1;
            decoder->max[resource] = max_of(decoder->max[resource], limit.hard);
        }
    }
    return 0;
}

int call_get_max_limits(struct edit_operation *operation, uint32_t resources, struct max_limits_decoder *decoder,
                        struct rlimitd_error *error) {
    struct get_message storage;
    struct agent_request agent_request;
    Rlimitd__V1__Explain explain = RLIMITD__V1__EXPLAIN__INIT;
    encode_get(&storage, operation->resolved, resources);
    init_agent_request(&agent_request, operation->resolved, true);
    explain.operation_case = RLIMITD__V1__EXPLAIN__OPERATION_GET;
    explain.get = &storage.get;
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_EXPLAIN;
    agent_request.message.explain = &explain;
    agent_request.expected_outcome = RLIMITD__V1__RESPONSE__OUTCOME_EXPLANATION;
    agent_request.decode = decode_max_limits;
    agent_request.destination = decoder;
    return call_agent(operation->agent, &agent_request, operation->deadline, error);
}

bool changed_nothing(enum rlimitd_code code) {
    switch (code) {
    case RLIMITD_AGENT_UNREACHABLE:
    case RLIMITD_UNTRUSTED_SOCKET:
    case RLIMITD_DENIED_BY_POLICY:
    case RLIMITD_DENIED_BY_KERNEL:
    case RLIMITD_ABOVE_SYSTEM_CEILING:
    case RLIMITD_UNSUPPORTED:
    case RLIMITD_RATE_LIMITED:
    case RLIMITD_QUOTA_EXCEEDED:
    case RLIMITD_PIDFD_REQUIRED:
        return true;
    default:
        return false;
    }
}
