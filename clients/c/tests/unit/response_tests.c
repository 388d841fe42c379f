#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "model/result.h"
#include "unit.h"
#include "wire/list_decoder.h"
#include "wire/strict_validator.h"
#include "wire/value_decoder.h"

static void serve_in_bytes(struct scripted_agent *scripted, int fd) {
    Request *request;
    while ((request = next_request(scripted, fd, NULL)) != NULL) {
        unsigned char *frame;
        size_t count = frame_of(limits_response(request, 77), &frame);
        for (size_t i = 0; i < count; i++) send_bytes(fd, frame + i, 1);
        free(frame);
        free_request(request);
    }
}

static void in_single_bytes(void) {
    struct scripted_agent scripted;
    struct rlimitd_limits limits;
    start_scripted_agent(&scripted, serve_in_bytes);
    struct rlimitd *agent = open_scripted(&scripted, 0, RLIMITD_AGENT_ONLY);
    for (int round = 0; round < 3; round++) {
        CHECK(get_nofile(agent, &limits, NULL) == 0);
        CHECK(limits.known == 1u << RLIMIT_NOFILE && limits.of[RLIMIT_NOFILE].soft == 77);
    }
    CHECK(scripted.connections == 1);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
}

// Answers in three parts, with a response to an unknown request after each but the last.
static void serve_parts(struct scripted_agent *scripted, int fd) {
    Request *request;
    while ((request = next_request(scripted, fd, NULL)) != NULL) {
        Request part = *request;
        Rlimitd__V1__Get get = *request->get;
        part.get = &get;
        get.n_resources = 1;
        for (size_t i = 0; i < request->get->n_resources; i++) {
            get.resources = request->get->resources + i;
            Response *response = limits_response(&part, 5);
            response->has_more = 1;
            response->more = i + 1 < request->get->n_resources;
            answer(fd, response);
            if (response->more) answer(fd, error_response(12345678, RLIMITD_CONFLICT, "to nobody"));
        }
        free_request(request);
    }
}

static void in_parts(void) {
    struct scripted_agent scripted;
    struct rlimitd_limits limits;
    static const int three[] = {RLIMIT_CPU, RLIMIT_NOFILE, RLIMIT_RTTIME};
    start_scripted_agent(&scripted, serve_parts);
    struct rlimitd *agent = open_scripted(&scripted, 0, RLIMITD_AGENT_ONLY);
    CHECK(rlimitd_get(agent, NULL, three, 3, &limits, NULL) == 0);
    CHECK(limits.known == (1u << RLIMIT_CPU | 1u << RLIMIT_NOFILE | 1u << RLIMIT_RTTIME));
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
}

// The bytes that `serve_malformed` sends for the first request. It then waits until the client disconnects.
static const unsigned char *malformed_bytes;
static size_t malformed_size;

static void serve_malformed(struct scripted_agent *scripted, int fd) {
    Request *request = next_request(scripted, fd, NULL);
    free_request(request);
    send_bytes(fd, malformed_bytes, malformed_size);
    char ignored;
    while (recv(fd, &ignored, 1, 0) > 0) continue;
}

static enum rlimitd_code code_of_malformed(const void *bytes, size_t count) {
    struct scripted_agent scripted;
    struct rlimitd_error error = {.code = RLIMITD_OK};
    malformed_bytes = bytes;
    malformed_size = count;
    start_scripted_agent(&scripted, serve_malformed);
    struct rlimitd *agent = open_scripted(&scripted, 2000, RLIMITD_AGENT_ONLY);
    if (get_nofile(agent, NULL, &error) == 0) error.code = RLIMITD_OK;
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
    return error.code;
}

#define MALFORMED(bytes) code_of_malformed(bytes, sizeof(bytes) - 1)

static void malformed_responses(void) {
    CHECK(MALFORMED("HTTP/1.1 400 Bad Request\r\n\r\n") == RLIMITD_MALFORMED);
    CHECK(MALFORMED("\0\0\0\0") == RLIMITD_MALFORMED);
    CHECK(MALFORMED("\0\1\0\1") == RLIMITD_MALFORMED);
    CHECK(MALFORMED("\0\0\0\2\xff\xff") == RLIMITD_MALFORMED);
    // A limit without its hard half; two outcomes; the same outcome twice; a group; no id and no error.
    CHECK(MALFORMED("\0\0\0\12\x08\1\x22\6\x0a\4\x08\x08\x12\0") == RLIMITD_MALFORMED);
    CHECK(MALFORMED("\0\0\0\6\x08\1\x22\0\x2a\0") == RLIMITD_MALFORMED);
    CHECK(MALFORMED("\0\0\0\6\x08\1\x22\0\x22\0") == RLIMITD_MALFORMED);
    CHECK(MALFORMED("\0\0\0\4\x08\1\x23\x24") == RLIMITD_MALFORMED);
    CHECK(MALFORMED("\0\0\0\2\x22\0") == RLIMITD_MALFORMED);
    // A number in more bytes than it needs; a number of 65 bits.
    CHECK(MALFORMED("\0\0\0\3\x08\x81\0") == RLIMITD_MALFORMED);
    CHECK(MALFORMED("\0\0\0\13\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x03") == RLIMITD_MALFORMED);
    // A text that is not UTF-8; a text with a NUL.
    CHECK(MALFORMED("\0\0\0\7\x08\1\x1a\3\x32\1\xff") == RLIMITD_MALFORMED);
    CHECK(MALFORMED("\0\0\0\7\x08\1\x1a\3\x32\1\0") == RLIMITD_MALFORMED);
    // Another outcome than the request needs; an unknown outcome; unknown fields beside a right answer.
    CHECK(MALFORMED("\0\0\0\4\x08\1\x2a\0") == RLIMITD_MALFORMED);
    CHECK(MALFORMED("\0\0\0\5\x08\1\xfa\1\0") == RLIMITD_UNSUPPORTED);
    CHECK(MALFORMED("\0\0\0\24\x08\1\xf8\1\1\x22\15\xf8\1\1\x0a\x08\x08\x08\x12\4\x08\1\x10\2") == RLIMITD_OK);
    // An unknown error code becomes INTERNAL.
    CHECK(MALFORMED("\0\0\0\7\x08\1\x1a\3\x08\xe7\7") == RLIMITD_INTERNAL);
}

static void oversized_responses(void) {
    // More numbers than the maximum of fields: 40000 groups of a caller.
    unsigned char *bytes = calloc(1, 4 + MAX_RESPONSE_SIZE);
    static const unsigned char groups[] = "\0\0\x9c\x4e\x08\1\x62\xc8\xb8\2\x32\xc4\xb8\2\x22\xc0\xb8\2";
    memcpy(bytes, groups, sizeof groups - 1);
    CHECK(code_of_malformed(bytes, 4 + 0x9c4e) == RLIMITD_MALFORMED);
    // As many unknown fields as a frame can hold.
    bytes[1] = 1, bytes[2] = bytes[3] = 0, bytes[4] = 0x08, bytes[5] = 1, bytes[6] = 0x10, bytes[7] = 0;
    for (size_t i = 8; i < 4 + MAX_RESPONSE_SIZE; i += 3) bytes[i] = 0xf8, bytes[i + 1] = bytes[i + 2] = 1;
    CHECK(code_of_malformed(bytes, 4 + MAX_RESPONSE_SIZE) == RLIMITD_UNSUPPORTED);
    // A frame of the maximum length that is one text.
    memcpy(bytes, "\0\1\0\0\x08\1\x1a\xfa\xff\3\x32\xf6\xff\3", 14);
    memset(bytes + 14, 'x', MAX_RESPONSE_SIZE - 10);
    CHECK(code_of_malformed(bytes, 4 + MAX_RESPONSE_SIZE) == RLIMITD_INTERNAL);
    free(bytes);
}

// A valid response with any one byte changed, or cut at any byte, is rejected or decoded without harm.
static void mutated_responses(void) {
    Response response = RLIMITD__V1__RESPONSE__INIT;
    Rlimitd__V1__ChangeList changes = RLIMITD__V1__CHANGE_LIST__INIT;
    Rlimitd__V1__Change change = RLIMITD__V1__CHANGE__INIT, *list = &change;
    Rlimitd__V1__Limit limit = RLIMITD__V1__LIMIT__INIT;
    Rlimitd__V1__LeaseInfo lease_info = RLIMITD__V1__LEASE_INFO__INIT;
    Rlimitd__V1__Error shortfall = RLIMITD__V1__ERROR__INIT;
    Rlimitd__V1__Warning warning = RLIMITD__V1__WARNING__WARNING_LIMITED_BY_USER_NAMESPACE;
    limit.has_soft = limit.has_hard = 1;
    limit.soft = limit.hard = 65536;
    shortfall.has_code = 1;
    shortfall.code = RLIMITD__V1__ERROR_CODE__ERROR_CODE_DENIED_BY_POLICY;
    shortfall.message = "more than that";
    change.has_resource = 1;
    change.resource = RLIMITD__V1__RESOURCE__RESOURCE_NOFILE;
    change.old = change.new_ = &limit;
    change.rule = "web";
    change.n_warnings = 1;
    change.warnings = &warning;
    change.shortfall = &shortfall;
    lease_info.has_id = lease_info.has_pid = lease_info.has_remaining_ms = 1;
    lease_info.id = (ProtobufCBinaryData){4, (uint8_t *)"abcd"};
    lease_info.pid = 100;
    lease_info.remaining_ms = 60000;
    lease_info.n_changes = changes.n_changes = 1;
    lease_info.changes = changes.changes = &list;
    changes.lease = &lease_info;
    response.has_id = response.id = 1;
    response.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_CHANGES;
    response.changes = &changes;
    unsigned char good[256], changed[256];
    size_t count = rlimitd__v1__response__pack(&response, good), refused = 0;
    char reason[128];
    uint64_t id;
    for (size_t i = 0; i < count; i++) {
        for (int value = 0; value < 256; value++) {
            memcpy(changed, good, count);
            changed[i] = (unsigned char)value;
            if (validate_response(changed, count, &id, reason, sizeof reason) != 0) {
                refused++;
                continue;
            }
            Response *read = rlimitd__v1__response__unpack(NULL, count, changed);
            struct rlimitd_lease *lease = allocate_result(sizeof *lease);
            struct rlimitd_error error;
            bool is_lease = read != NULL && read->outcome_case == RLIMITD__V1__RESPONSE__OUTCOME_CHANGES &&
                            read->changes->lease != NULL;
            if (is_lease) decode_lease(lease, read->changes->lease, lease, &error);
            rlimitd_free(lease);
            if (read != NULL) rlimitd__v1__response__free_unpacked(read, NULL);
        }
        if (validate_response(good, i, &id, reason, sizeof reason) != 0) refused++;
    }
    CHECK(validate_response(good, count, &id, reason, sizeof reason) == 0 && id == 1);
    CHECK(refused > 1000);
}

// No request has more edits than there are resources, so a response about more of them is malformed.
static void too_many_entries(void) {
    Response response = RLIMITD__V1__RESPONSE__INIT;
    struct rlimitd_error error;
    Rlimitd__V1__Verdict verdict = RLIMITD__V1__VERDICT__INIT, unknown = verdict;
    Rlimitd__V1__Explanation explanation = RLIMITD__V1__EXPLANATION__INIT;
    Rlimitd__V1__Verdict *verdicts[RLIMITD_RESOURCES + 2];
    verdict.has_resource = unknown.has_resource = 1;
    verdict.resource = RLIMITD__V1__RESOURCE__RESOURCE_NOFILE;
    unknown.resource = (Rlimitd__V1__Resource)999;
    for (int i = 0; i < RLIMITD_RESOURCES + 2; i++) verdicts[i] = i % 17 == 0 ? &unknown : &verdict;
    explanation.verdicts = verdicts;
    response.explanation = &explanation;
    struct rlimitd_explanation *explained = allocate_result(sizeof *explained);
    explanation.n_verdicts = RLIMITD_RESOURCES + 2;
    CHECK(decode_explanation(explained, &response, true, &error) == 0 && explained->count == RLIMITD_RESOURCES);
    explanation.n_verdicts = 1;
    CHECK(decode_explanation(explained, &response, false, &error) == 0);
    explanation.n_verdicts = 2;
    CHECK_CODE(decode_explanation(explained, &response, false, &error), error, RLIMITD_MALFORMED);
    rlimitd_free(explained);

    Rlimitd__V1__Restoration restoration = RLIMITD__V1__RESTORATION__INIT, *restored[RLIMITD_RESOURCES + 1];
    Rlimitd__V1__RestorationList restorations = RLIMITD__V1__RESTORATION_LIST__INIT;
    restoration.has_resource = restoration.has_outcome = 1;
    restoration.resource = RLIMITD__V1__RESOURCE__RESOURCE_NOFILE;
    restoration.outcome = RLIMITD__V1__RESTORATION__OUTCOME__OUTCOME_RESTORED;
    for (int i = 0; i <= RLIMITD_RESOURCES; i++) restored[i] = &restoration;
    restorations.restorations = restored;
    response.restorations = &restorations;
    struct rlimitd_restorations *ends = allocate_result(sizeof *ends);
    restorations.n_restorations = RLIMITD_RESOURCES;
    CHECK(decode_restorations(ends, &response, true, &error) == 0 && ends->count == RLIMITD_RESOURCES);
    restorations.n_restorations = 1;
    CHECK_CODE(decode_restorations(ends, &response, false, &error), error, RLIMITD_MALFORMED);
    rlimitd_free(ends);
}

// Answers with a lease, and another lease in the next part.
static void serve_two_leases(struct scripted_agent *scripted, int fd) {
    Request *request;
    while ((request = next_request(scripted, fd, NULL)) != NULL) {
        Rlimitd__V1__Limit limit = RLIMITD__V1__LIMIT__INIT;
        Rlimitd__V1__Change change = RLIMITD__V1__CHANGE__INIT, *list = &change;
        Rlimitd__V1__LeaseInfo lease = RLIMITD__V1__LEASE_INFO__INIT;
        Rlimitd__V1__ChangeList changes = RLIMITD__V1__CHANGE_LIST__INIT;
        Response response = RLIMITD__V1__RESPONSE__INIT;
        limit.has_soft = limit.has_hard = change.has_resource = lease.has_id = 1;
        change.resource = RLIMITD__V1__RESOURCE__RESOURCE_NOFILE;
        change.old = change.new_ = &limit;
        lease.id = (ProtobufCBinaryData){4, (uint8_t *)"abcd"};
        changes.changes = &list;
        changes.lease = &lease;
        response.has_id = response.has_more = 1;
        response.id = request->id;
        response.outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_CHANGES;
        response.changes = &changes;
        for (int part = 0; part < 2; part++) {
            response.more = part == 0;
            changes.n_changes = part == 0;
            unsigned char *frame;
            size_t count = frame_of(&response, &frame);
            send_bytes(fd, frame, count);
            free(frame);
        }
        free_request(request);
    }
}

static void two_leases(void) {
    struct scripted_agent scripted;
    struct rlimitd_error error;
    struct rlimitd_lease *lease;
    struct rlimitd_edit edit = rlimitd_edit_raise(RLIMIT_NOFILE, 1);
    start_scripted_agent(&scripted, serve_two_leases);
    struct rlimitd *agent = open_scripted(&scripted, 0, RLIMITD_AGENT_ONLY);
    CHECK_CODE(rlimitd_lease(agent, NULL, &edit, 1, 60000, &lease, &error), error, RLIMITD_MALFORMED);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
}

void response_tests(void) {
    test("a response may come byte by byte", in_single_bytes);
    test("a response may come in parts", in_parts);
    test("malformed responses are rejected", malformed_responses);
    test("oversized responses are rejected", oversized_responses);
    test("a response with one changed byte does no harm", mutated_responses);
    test("responses about too many resources are rejected", too_many_entries);
    test("a response with two leases is rejected", two_leases);
}
