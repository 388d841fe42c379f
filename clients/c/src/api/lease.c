#include <errno.h>
#include <string.h>

#include "api/arguments.h"
#include "api/call.h"
#include "connection/connection_errors.h"
#include "edit/edit_checks.h"
#include "edit/edit_operation.h"
#include "model/error.h"
#include "model/result.h"
#include "wire/list_decoder.h"
#include "wire/request_encoder.h"
#include "wire/value_decoder.h"

void rlimitd_lease_id_text(const struct rlimitd_lease_id *id, char text[RLIMITD_LEASE_TEXT_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    size_t length = id->length <= sizeof id->bytes ? id->length : sizeof id->bytes;
    for (size_t i = 0; i < length; i++) {
        *text++ = digits[id->bytes[i] >> 4];
        *text++ = digits[id->bytes[i] & 15];
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
    for (size_t i = 0; i < count; i++) {
        size_t digit = (size_t)(strchr(digits, text[i]) - digits);
        if (digit > 15) digit -= 6;
        id->bytes[i / 2] = (unsigned char)(id->bytes[i / 2] << 4 | digit);
    }
    return 0;
}

static int lease_call(struct call *call, const struct rlimitd_edit *edits, size_t count, uint64_t duration_ms,
                      struct rlimitd_lease *created) {
    size_t checked_count = count > RLIMITD_EDITS ? RLIMITD_EDITS + 1 : count;
    if (count == 0) return fail(call->error, RLIMITD_INVALID_ARGUMENT, "there is no edit to lease");
    if (require_edits(edits, checked_count, call->error) != 0 || require_duration(duration_ms, call->error) != 0) {
        return -1;
    }
    if (duration_ms == 0 && call->temporary != NULL) {
        return fail(call->error, RLIMITD_INVALID_ARGUMENT,
                    "a lease that lasts as long as the connection needs a connection from rlimitd_open");
    }
    struct edit_operation operation = {
        .agent = call->agent, .resolved = &call->resolved, .edits = edits, .count = checked_count,
        .deadline = call->deadline, .is_lease = true, .lease_ms = duration_ms, .result = created,
    };
    if (run_edit_operation(&operation, call->error) != 0) return -1;
    *created = operation.lease;
    created->count = count;
    created->changes = allocate_in_result(created, count * sizeof *created->changes);
    if (created->changes == NULL) return fail_out_of_memory(call->error);
    memcpy(created->changes, operation.changes, count * sizeof *created->changes);
    return 0;
}

int rlimitd_lease(struct rlimitd *agent, const struct rlimitd_target *target, const struct rlimitd_edit *edits,
                  size_t count, uint64_t duration_ms, struct rlimitd_lease **lease, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_lease *created = NULL;
    int value = begin_call(&call, agent, target, error);
    if (value == 0 && (created = new_call_result(&call, sizeof *created)) == NULL) value = -1;
    if (value == 0) value = lease_call(&call, edits, count, duration_ms, created);
    RETURN_RESULT(value, created, lease);
    return end_call(&call, value);
}

static int decode_renewed_lease(void *destination, const Response *part, bool is_first, struct rlimitd_error *error) {
    if (!is_first) return fail_malformed_response(error, "a response whose parts do not fit together");
    return decode_lease(destination, part->lease, destination, error);
}

static int renew(struct call *call, const struct rlimitd_lease_id *id, uint64_t duration_ms,
                 struct rlimitd_lease *created) {
    Rlimitd__V1__LeaseRenew message = RLIMITD__V1__LEASE_RENEW__INIT;
    struct agent_request agent_request;
    if (encode_lease_id(id, &message.lease, call->error) != 0 || require_duration(duration_ms, call->error) != 0) {
        return -1;
    }
    message.has_lease = message.has_duration_ms = 1;
    message.duration_ms = duration_ms;
    init_agent_request(&agent_request, NULL, false);
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_LEASE_RENEW;
    agent_request.message.lease_renew = &message;
    agent_request.expected_outcome = RLIMITD__V1__RESPONSE__OUTCOME_LEASE;
    agent_request.decode = decode_renewed_lease;
    agent_request.destination = created;
    if (call_agent(call->agent, &agent_request, call->deadline, call->error) != 0) return -1;
    bool fits = created->id.length == id->length && memcmp(created->id.bytes, id->bytes, id->length) == 0;
    return fits ? 0 : fail_wrong_response(call->agent, call->error);
}

int rlimitd_lease_renew(struct rlimitd *agent, const struct rlimitd_lease_id *id, uint64_t duration_ms,
                        struct rlimitd_lease **lease, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_lease *created = NULL;
    int value = begin_call(&call, agent, NULL, error);
    if (value == 0 && (created = new_call_result(&call, sizeof *created)) == NULL) value = -1;
    if (value == 0) value = renew(&call, id, duration_ms, created);
    RETURN_RESULT(value, created, lease);
    return end_call(&call, value);
}

static int release(struct call *call, const struct rlimitd_lease_id *id, struct rlimitd_restorations *created) {
    Rlimitd__V1__LeaseRelease message = RLIMITD__V1__LEASE_RELEASE__INIT;
    struct agent_request agent_request;
    if (encode_lease_id(id, &message.lease, call->error) != 0) return -1;
    message.has_lease = 1;
    init_agent_request(&agent_request, NULL, false);
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_LEASE_RELEASE;
    agent_request.message.lease_release = &message;
    agent_request.expected_outcome = RLIMITD__V1__RESPONSE__OUTCOME_RESTORATIONS;
    agent_request.decode = decode_restorations;
    agent_request.destination = created;
    return call_agent(call->agent, &agent_request, call->deadline, call->error);
}

int rlimitd_lease_release(struct rlimitd *agent, const struct rlimitd_lease_id *id,
                          struct rlimitd_restorations **restorations, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_restorations *created = NULL;
    int value = begin_call(&call, agent, NULL, error);
    if (value == 0 && (created = new_call_result(&call, sizeof *created)) == NULL) value = -1;
    if (value == 0) value = release(&call, id, created);
    RETURN_RESULT(value, created, restorations);
    return end_call(&call, value);
}

int rlimitd_lease_list(struct rlimitd *agent, struct rlimitd_leases **leases, struct rlimitd_error *error) {
    struct call call;
    struct lease_list_decoder decoder = {NULL, 0};
    Rlimitd__V1__LeaseList message = RLIMITD__V1__LEASE_LIST__INIT;
    struct agent_request agent_request;
    int value = begin_call(&call, agent, NULL, error);
    if (value == 0 && (decoder.leases = new_call_result(&call, sizeof *decoder.leases)) == NULL) value = -1;
    init_agent_request(&agent_request, NULL, true);
    agent_request.message.operation_case = RLIMITD__V1__REQUEST__OPERATION_LEASE_LIST;
    agent_request.message.lease_list = &message;
    agent_request.expected_outcome = RLIMITD__V1__RESPONSE__OUTCOME_LEASES;
    agent_request.decode = decode_leases;
    agent_request.destination = &decoder;
    if (value == 0) value = call_agent(call.agent, &agent_request, call.deadline, call.error);
    RETURN_RESULT(value, decoder.leases, leases);
    return end_call(&call, value);
}
