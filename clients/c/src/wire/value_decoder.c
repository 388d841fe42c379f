#include "wire/value_decoder.h"

#include <string.h>

#include "model/error.h"
#include "model/resource.h"
#include "model/result.h"
#include "wire/protocol.h"

int fail_malformed_response(struct rlimitd_error *error, const char *what) {
    return fail(error, RLIMITD_MALFORMED, "%s", what);
}

bool copy_text(const void *result, const char *text, const char **copy) {
    *copy = NULL;
    if (result == NULL || text == NULL) return true;
    *copy = copy_text_to_result(result, text, strlen(text));
    return *copy != NULL;
}

bool copy_name(const void *result, const char *text, const char **copy) {
    return copy_text(result, text != NULL && text[0] != '\0' ? text : NULL, copy);
}

int decode_limit(const Rlimitd__V1__Limit *message, struct rlimitd_limit *limit, struct rlimitd_error *error) {
    if (message == NULL || !message->has_soft || !message->has_hard) {
        return fail_malformed_response(error, "a response without a limit, or with half of one");
    }
    *limit = (struct rlimitd_limit){message->soft, message->hard};
    return 0;
}

int decode_optional_limit(const Rlimitd__V1__Limit *message, bool *has, struct rlimitd_limit *limit,
                          struct rlimitd_error *error) {
    *has = message != NULL;
    return *has ? decode_limit(message, limit, error) : 0;
}

int decode_error(const Rlimitd__V1__Error *message, struct rlimitd_error *decoded, struct rlimitd_error *error) {
    // An unknown code, from a newer agent, becomes INTERNAL with the agent's message.
    enum rlimitd_code code = message->has_code ? (enum rlimitd_code)message->code : RLIMITD_OK;
    if (code <= RLIMITD_OK || code > RLIMITD_INTERNAL) code = RLIMITD_INTERNAL;
    bool has_words = message->message != NULL && message->message[0] != '\0';
    fail(decoded, code, "%s", has_words ? message->message : code_summary(code));
    if (message->has_error_number) decoded->error_number = message->error_number;
    if (message->has_resource) decoded->resource = resource_from_wire(message->resource);
    if (message->has_edit_index && message->edit_index <= INT32_MAX) decoded->edit_index = (int)message->edit_index;
    if (message->has_retry_after_ms) decoded->retry_after_ms = message->retry_after_ms;
    if (message->rule != NULL) copy_truncated(decoded->rule, sizeof decoded->rule, message->rule);
    return decode_optional_limit(message->allowed, &decoded->has_allowed, &decoded->allowed, error);
}

int copy_error_to_result(const void *result, const Rlimitd__V1__Error *message, const struct rlimitd_error **copy,
                         struct rlimitd_error *error) {
    *copy = NULL;
    if (message == NULL || result == NULL) return 0;
    struct rlimitd_error *decoded = allocate_in_result(result, sizeof *decoded);
    if (decoded == NULL) return fail_out_of_memory(error);
    *copy = decoded;
    return decode_error(message, decoded, error);
}

int decode_limits(const Rlimitd__V1__LimitList *message, struct rlimitd_limits *limits, struct rlimitd_error *error) {
    for (size_t i = 0; i < message->n_limits; i++) {
        const Rlimitd__V1__ResourceLimit *entry = message->limits[i];
        int resource = resource_from_wire(entry->resource);
        // An unknown resource, from a newer agent.
        if (resource < 0) continue;
        if (limits->known >> resource & 1) {
            return fail_malformed_response(error, "a response with two limits for one resource");
        }
        if (decode_limit(entry->limit, &limits->of[resource], error) != 0) return -1;
        limits->known |= 1u << resource;
    }
    return 0;
}

static uint32_t decode_warnings(const Rlimitd__V1__Warning *warnings, size_t count) {
    uint32_t decoded = 0;
    for (size_t i = 0; i < count; i++) {
        // rlimitd.h has no bit for an unknown warning, from a newer agent.
        if (warnings[i] == RLIMITD__V1__WARNING__WARNING_LIMITED_BY_USER_NAMESPACE) {
            decoded |= RLIMITD_LIMITED_BY_USER_NAMESPACE;
        }
    }
    return decoded;
}

int decode_change(const void *result, const Rlimitd__V1__Change *message, struct rlimitd_change *change,
                  struct rlimitd_error *error) {
    *change = (struct rlimitd_change){.resource = resource_from_wire(message->resource), .by_agent = true};
    if (change->resource < 0) {
        return fail_malformed_response(error, "a response about a resource that was not requested");
    }
    if (decode_limit(message->old, &change->before, error) != 0) return -1;
    if (decode_limit(message->new_, &change->after, error) != 0) return -1;
    change->warnings = decode_warnings(message->warnings, message->n_warnings);
    if (!copy_name(result, message->rule, &change->rule)) return fail_out_of_memory(error);
    return copy_error_to_result(result, message->shortfall, &change->shortfall, error);
}

int decode_changes(const void *result, Rlimitd__V1__Change *const *messages, size_t count,
                   struct rlimitd_change **changes, struct rlimitd_error *error) {
    *changes = allocate_in_result(result, (count + 1) * sizeof **changes);
    if (*changes == NULL) return fail_out_of_memory(error);
    for (size_t i = 0; i < count; i++) {
        if (decode_change(result, messages[i], &(*changes)[i], error) != 0) return -1;
    }
    return 0;
}

int decode_lease(const void *result, const Rlimitd__V1__LeaseInfo *message, struct rlimitd_lease *lease,
                 struct rlimitd_error *error) {
    if (message->id.len < 1 || message->id.len > sizeof lease->id.bytes) {
        return fail_malformed_response(error, "a lease without a name of 1 to 64 bytes");
    }
    if (message->pid > MAX_PID) return fail_malformed_response(error, "a lease of an impossible process id");
    if (message->n_changes > RLIMITD_EDITS) {
        return fail_malformed_response(error, "a lease of too many edits");
    }
    lease->id.length = message->id.len;
    memcpy(lease->id.bytes, message->id.data, message->id.len);
    lease->pid = message->pid;
    lease->remaining_ms = message->remaining_ms;
    if (!copy_name(result, message->rule, &lease->rule)) return fail_out_of_memory(error);
    if (result == NULL) return 0;
    lease->count = message->n_changes;
    return decode_changes(result, message->changes, message->n_changes, &lease->changes, error);
}

void decode_usage(const Rlimitd__V1__Usage *message, struct rlimitd_usage *usage) {
    *usage = (struct rlimitd_usage){0};
#define COPY_FIELD(field, bit)                 \
    do {                                 \
        if (message->has_##field) {      \
            usage->field = message->field; \
            usage->known |= bit;         \
        }                                \
    } while (0)
    COPY_FIELD(user_time_us, RLIMITD_USER_TIME);
    COPY_FIELD(system_time_us, RLIMITD_SYSTEM_TIME);
    COPY_FIELD(max_resident_bytes, RLIMITD_MAX_RESIDENT);
    COPY_FIELD(shared_text_bytes, RLIMITD_SHARED_TEXT);
    COPY_FIELD(unshared_data_bytes, RLIMITD_UNSHARED_DATA);
    COPY_FIELD(unshared_stack_bytes, RLIMITD_UNSHARED_STACK);
    COPY_FIELD(minor_faults, RLIMITD_MINOR_FAULTS);
    COPY_FIELD(major_faults, RLIMITD_MAJOR_FAULTS);
    COPY_FIELD(swaps, RLIMITD_SWAPS);
    COPY_FIELD(block_inputs, RLIMITD_BLOCK_INPUTS);
    COPY_FIELD(block_outputs, RLIMITD_BLOCK_OUTPUTS);
    COPY_FIELD(messages_sent, RLIMITD_MESSAGES_SENT);
    COPY_FIELD(messages_received, RLIMITD_MESSAGES_RECEIVED);
    COPY_FIELD(signals_received, RLIMITD_SIGNALS_RECEIVED);
    COPY_FIELD(voluntary_context_switches, RLIMITD_VOLUNTARY_SWITCHES);
    COPY_FIELD(involuntary_context_switches, RLIMITD_INVOLUNTARY_SWITCHES);
#undef COPY_FIELD
    usage->partial = message->has_partial && message->partial;
    for (size_t i = 0; i < message->n_in_use; i++) {
        int resource = resource_from_wire(message->in_use[i]->resource);
        if (resource < 0 || !message->in_use[i]->has_amount) continue;
        usage->in_use[resource] = message->in_use[i]->amount;
        usage->in_use_known |= 1u << resource;
    }
}
