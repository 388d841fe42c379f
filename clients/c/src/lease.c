// Grants with an end.
#include "call.h"

#include <errno.h>
#include <string.h>

void rlimitd_lease_id_text(const struct rlimitd_lease_id *id, char text[RLIMITD_LEASE_TEXT_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    size_t length = id->length <= sizeof id->bytes ? id->length : sizeof id->bytes;
    for (size_t place = 0; place < length; place++) {
        *text++ = digits[id->bytes[place] >> 4];
        *text++ = digits[id->bytes[place] & 15];
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
    for (size_t place = 0; place < count; place++) {
        size_t digit = (size_t)(strchr(digits, text[place]) - digits);
        if (digit > 15) digit -= 6;
        id->bytes[place / 2] = (unsigned char)(id->bytes[place / 2] << 4 | digit);
    }
    return 0;
}

static int lease_call(struct call *call, const struct rlimitd_edit *edits, size_t count, uint64_t duration_ms,
                      struct rlimitd_lease *made) {
    size_t looked_at = count > RLIMITD_EDITS ? RLIMITD_EDITS + 1 : count;
    if (count == 0) return fail(call->error, RLIMITD_INVALID_ARGUMENT, "there is no edit to lease");
    if (require_edits(edits, looked_at, call->error) != 0 || require_duration(duration_ms, call->error) != 0) return -1;
    if (duration_ms == 0 && call->own != NULL) {
        return fail(call->error, RLIMITD_INVALID_ARGUMENT,
                    "a lease that lasts as long as the connection needs one that lasts: rlimitd_open makes it");
    }
    struct course course = {
        .agent = call->agent, .subject = &call->subject, .edits = edits, .count = looked_at, .deadline = call->deadline,
        .is_lease = true, .lease_ms = duration_ms, .result = made,
    };
    if (run_course(&course, call->error) != 0) return -1;
    *made = course.lease;
    made->count = count;
    made->changes = attach(made, count * sizeof *made->changes);
    if (made->changes == NULL) return fail_without_memory(call->error);
    memcpy(made->changes, course.changes, count * sizeof *made->changes);
    return 0;
}

int rlimitd_lease(struct rlimitd *agent, const struct rlimitd_target *target, const struct rlimitd_edit *edits,
                  size_t count, uint64_t duration_ms, struct rlimitd_lease **lease, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_lease *made = NULL;
    int value = begin(&call, agent, target, error);
    if (value == 0 && (made = make(&call, sizeof *made)) == NULL) value = -1;
    if (value == 0) value = lease_call(&call, edits, count, duration_ms, made);
    HAND_OUT(value, made, lease);
    return end(&call, value);
}

static int write_id(const struct rlimitd_lease_id *id, ProtobufCBinaryData *data, struct rlimitd_error *error) {
    if (id->length < 1 || id->length > sizeof id->bytes) {
        return fail(error, RLIMITD_INVALID_ARGUMENT, "the name of a lease has 1 to 64 bytes, not %zu", id->length);
    }
    data->len = id->length;
    data->data = (uint8_t *)(uintptr_t)id->bytes;
    return 0;
}

static int take_renewed(void *into, const Response *part, bool is_first, struct rlimitd_error *error) {
    if (!is_first) return fail_malformed(error, "an answer in parts that do not fit");
    return take_lease(into, part->lease, into, error);
}

static int renew(struct call *call, const struct rlimitd_lease_id *id, uint64_t duration_ms, struct rlimitd_lease *made) {
    Rlimitd__V1__LeaseRenew message = RLIMITD__V1__LEASE_RENEW__INIT;
    struct inquiry inquiry;
    if (write_id(id, &message.lease, call->error) != 0 || require_duration(duration_ms, call->error) != 0) return -1;
    message.has_lease = message.has_duration_ms = 1;
    message.duration_ms = duration_ms;
    start_inquiry(&inquiry, NULL, false);
    inquiry.request.operation_case = RLIMITD__V1__REQUEST__OPERATION_LEASE_RENEW;
    inquiry.request.lease_renew = &message;
    inquiry.outcome = RLIMITD__V1__RESPONSE__OUTCOME_LEASE;
    inquiry.take = take_renewed;
    inquiry.into = made;
    if (ask(call->agent, &inquiry, call->deadline, call->error) != 0) return -1;
    bool fits = made->id.length == id->length && memcmp(made->id.bytes, id->bytes, id->length) == 0;
    return fits ? 0 : fail_other_answer(call->agent, call->error);
}

int rlimitd_lease_renew(struct rlimitd *agent, const struct rlimitd_lease_id *id, uint64_t duration_ms,
                        struct rlimitd_lease **lease, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_lease *made = NULL;
    int value = begin(&call, agent, NULL, error);
    if (value == 0 && (made = make(&call, sizeof *made)) == NULL) value = -1;
    if (value == 0) value = renew(&call, id, duration_ms, made);
    HAND_OUT(value, made, lease);
    return end(&call, value);
}

static int release(struct call *call, const struct rlimitd_lease_id *id, struct rlimitd_restorations *made) {
    Rlimitd__V1__LeaseRelease message = RLIMITD__V1__LEASE_RELEASE__INIT;
    struct inquiry inquiry;
    if (write_id(id, &message.lease, call->error) != 0) return -1;
    message.has_lease = 1;
    start_inquiry(&inquiry, NULL, false);
    inquiry.request.operation_case = RLIMITD__V1__REQUEST__OPERATION_LEASE_RELEASE;
    inquiry.request.lease_release = &message;
    inquiry.outcome = RLIMITD__V1__RESPONSE__OUTCOME_RESTORATIONS;
    inquiry.take = take_restorations;
    inquiry.into = made;
    return ask(call->agent, &inquiry, call->deadline, call->error);
}

int rlimitd_lease_release(struct rlimitd *agent, const struct rlimitd_lease_id *id,
                          struct rlimitd_restorations **restorations, struct rlimitd_error *error) {
    struct call call;
    struct rlimitd_restorations *made = NULL;
    int value = begin(&call, agent, NULL, error);
    if (value == 0 && (made = make(&call, sizeof *made)) == NULL) value = -1;
    if (value == 0) value = release(&call, id, made);
    HAND_OUT(value, made, restorations);
    return end(&call, value);
}

int rlimitd_lease_list(struct rlimitd *agent, struct rlimitd_leases **leases, struct rlimitd_error *error) {
    struct call call;
    struct lease_taking taking = {NULL, 0};
    Rlimitd__V1__LeaseList message = RLIMITD__V1__LEASE_LIST__INIT;
    struct inquiry inquiry;
    int value = begin(&call, agent, NULL, error);
    if (value == 0 && (taking.leases = make(&call, sizeof *taking.leases)) == NULL) value = -1;
    start_inquiry(&inquiry, NULL, true);
    inquiry.request.operation_case = RLIMITD__V1__REQUEST__OPERATION_LEASE_LIST;
    inquiry.request.lease_list = &message;
    inquiry.outcome = RLIMITD__V1__RESPONSE__OUTCOME_LEASES;
    inquiry.take = take_leases;
    inquiry.into = &taking;
    if (value == 0) value = ask(call.agent, &inquiry, call.deadline, call.error);
    HAND_OUT(value, taking.leases, leases);
    return end(&call, value);
}
