// The tests that take no agent but one that a test plays: answers that are rubbish, late, in parts or none at all; threads; fork.
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const int nofile[] = {RLIMIT_NOFILE};

static int get_nofile(struct rlimitd *agent, struct rlimitd_limits *limits, struct rlimitd_error *error) {
    return rlimitd_get(agent, NULL, nofile, 1, limits, error);
}

// ---- Names and texts

static void names(void) {
    struct rlimitd_error error;
    CHECK(rlimitd_resource_by_name("nofile", NULL) == RLIMIT_NOFILE);
    CHECK(rlimitd_resource_by_name("RLIMIT_NOFILE", NULL) == RLIMIT_NOFILE);
    CHECK(rlimitd_resource_by_name("Rlimit_oFile", NULL) == RLIMIT_NOFILE);
    CHECK(rlimitd_resource_by_name("vmem", NULL) == RLIMIT_AS);
    for (int resource = 0; resource < RLIMITD_RESOURCES; resource++) {
        CHECK(rlimitd_resource_by_name(rlimitd_resource_name(resource), NULL) == resource);
    }
    CHECK(rlimitd_resource_name(16) == NULL && rlimitd_resource_name(-1) == NULL);
    errno = 0;
    CHECK_CODE(rlimitd_resource_by_name("nofil", &error), error, RLIMITD_INVALID_RESOURCE);
    CHECK(errno == EINVAL && strstr(error.message, "did you mean \"nofile\"?") != NULL);
    CHECK_CODE(rlimitd_resource_by_name("swap", &error), error, RLIMITD_UNSUPPORTED);
    CHECK_CODE(rlimitd_resource_by_name("", &error), error, RLIMITD_INVALID_RESOURCE);
    char huge[5000];
    memset(huge, 'x', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    CHECK_CODE(rlimitd_resource_by_name(huge, &error), error, RLIMITD_INVALID_RESOURCE);
    CHECK(strcmp(rlimitd_code_name(RLIMITD_CONFLICT), "CONFLICT") == 0);
    CHECK(strcmp(rlimitd_code_name((enum rlimitd_code)99), "UNKNOWN") == 0);
}

static bool parses(const char *text, enum rlimitd_value_kind both, uint64_t number) {
    struct rlimitd_edit edit;
    return rlimitd_edit_parse(text, &edit, NULL) == 0 && edit.both.kind == both && edit.both.number == number &&
           edit.soft.kind == RLIMITD_KEEP && edit.hard.kind == RLIMITD_KEEP;
}

static void edits(void) {
    struct rlimitd_edit edit;
    struct rlimitd_error error;
    CHECK(parses("nofile=65536", RLIMITD_NUMBER, 65536));
    CHECK(parses("as=unlimited", RLIMITD_NUMBER, RLIMITD_INFINITY));
    CHECK(parses("as=8G", RLIMITD_NUMBER, UINT64_C(8) << 30) && parses("as=8GiB", RLIMITD_NUMBER, UINT64_C(8) << 30));
    CHECK(parses("as=3kb", RLIMITD_NUMBER, 3072) && parses("as=7b", RLIMITD_NUMBER, 7));
    CHECK(parses("nofile=64K", RLIMITD_NUMBER, 65536) && parses("cpu=5m", RLIMITD_NUMBER, 300));
    CHECK(parses("rttime=10ms", RLIMITD_NUMBER, 10000) && parses("nice=-10", RLIMITD_NUMBER, 30));
    CHECK(parses("nice=+19", RLIMITD_NUMBER, 1) && parses("nice=30", RLIMITD_NUMBER, 30));
    CHECK(parses("nofile=MAX", RLIMITD_MOST, 0) && parses("RLIMIT_AS=hard", RLIMITD_HARD, 0));
    CHECK(rlimitd_edit_parse("memlock=64M:8G", &edit, NULL) == 0 && edit.soft.number == 64 << 20 &&
          edit.hard.number == UINT64_C(8) << 30);
    CHECK(rlimitd_edit_parse("core=:0", &edit, NULL) == 0 && edit.soft.kind == RLIMITD_KEEP && edit.hard.number == 0);
    CHECK(rlimitd_edit_parse("core=hard:", &edit, NULL) == 0 && edit.soft.kind == RLIMITD_HARD);
    static const char *const wrong[] = {
        "=1", "nofile", "nofile=", "nofile=:", "nofile=1:2:3", "nofile=x", "nofile=1x", "nofile=-1", "as=1kk", "nice=-21",
        "nice=+20", "nice=-", "as=18446744073709551615", "as=99999999999999999999", "as=18014398509481984K", "rtprio=1K", "cpu=1us",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_CODE(rlimitd_edit_parse(wrong[i], &edit, &error), error, RLIMITD_INVALID_ARGUMENT);
    }
    CHECK_CODE(rlimitd_edit_parse("kqueues=1", &edit, &error), error, RLIMITD_UNSUPPORTED);
}

static void long_texts(void) {
    struct rlimitd_error error;
    char text[4096];
    for (size_t i = 0; i + 2 < sizeof text; i += 2) memcpy(text + i, "\xc3\xa4", 3);
    fail(&error, RLIMITD_CONFLICT, "x%s", text);
    size_t length = strlen(error.message);
    CHECK(length < sizeof error.message && strcmp(error.message + length - 3, "...") == 0);
    CHECK(((unsigned char)error.message[length - 4] & 0xc0) == 0x80);
    append_message(&error, "more");
    CHECK(strlen(error.message) < sizeof error.message);
    struct rlimitd_lease_id id;
    CHECK(rlimitd_lease_id_parse("00fFA0", &id) == 0 && id.length == 3 && id.bytes[1] == 0xff && id.bytes[2] == 0xa0);
    char hex[RLIMITD_LEASE_TEXT_SIZE];
    rlimitd_lease_id_text(&id, hex);
    CHECK(strcmp(hex, "00ffa0") == 0);
    CHECK(rlimitd_lease_id_parse("", &id) == -1 && rlimitd_lease_id_parse("abc", &id) == -1 &&
          rlimitd_lease_id_parse("zz", &id) == -1);
}

// ---- Answers

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

// An answer in three parts, and another to nobody between them.
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

// Whatever is to be sent for any request; then it waits until the client hangs up.
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
    // A limit without its hard half; two outcomes; one twice; a group; nothing for nobody.
    CHECK(MALFORMED("\0\0\0\12\x08\1\x22\6\x0a\4\x08\x08\x12\0") == RLIMITD_MALFORMED);
    CHECK(MALFORMED("\0\0\0\6\x08\1\x22\0\x2a\0") == RLIMITD_MALFORMED);
    CHECK(MALFORMED("\0\0\0\6\x08\1\x22\0\x22\0") == RLIMITD_MALFORMED);
    CHECK(MALFORMED("\0\0\0\4\x08\1\x23\x24") == RLIMITD_MALFORMED);
    CHECK(MALFORMED("\0\0\0\2\x22\0") == RLIMITD_MALFORMED);
    // A number in more bytes than it needs, and one of 65 bits.
    CHECK(MALFORMED("\0\0\0\3\x08\x81\0") == RLIMITD_MALFORMED);
    CHECK(MALFORMED("\0\0\0\13\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x03") == RLIMITD_MALFORMED);
    // Text that is not UTF-8, and one with a NUL.
    CHECK(MALFORMED("\0\0\0\7\x08\1\x1a\3\x32\1\xff") == RLIMITD_MALFORMED);
    CHECK(MALFORMED("\0\0\0\7\x08\1\x1a\3\x32\1\0") == RLIMITD_MALFORMED);
    // Another answer than was asked for, one of no kind, and one with fields that nobody knows yet.
    CHECK(MALFORMED("\0\0\0\4\x08\1\x2a\0") == RLIMITD_MALFORMED);
    CHECK(MALFORMED("\0\0\0\5\x08\1\xfa\1\0") == RLIMITD_UNSUPPORTED);
    CHECK(MALFORMED("\0\0\0\24\x08\1\xf8\1\1\x22\15\xf8\1\1\x0a\x08\x08\x08\x12\4\x08\1\x10\2") == RLIMITD_OK);
    // An error of an unknown code keeps its words.
    CHECK(MALFORMED("\0\0\0\7\x08\1\x1a\3\x08\xe7\7") == RLIMITD_INTERNAL);
}

static void oversized_responses(void) {
    // More numbers than there may be fields: 40000 groups of a caller.
    unsigned char *bytes = calloc(1, 4 + MAX_RESPONSE_SIZE);
    static const unsigned char groups[] = "\0\0\x9c\x4e\x08\1\x62\xc8\xb8\2\x32\xc4\xb8\2\x22\xc0\xb8\2";
    memcpy(bytes, groups, sizeof groups - 1);
    CHECK(code_of_malformed(bytes, 4 + 0x9c4e) == RLIMITD_MALFORMED);
    // As many fields as a frame can hold, none of which is known.
    bytes[1] = 1, bytes[2] = bytes[3] = 0, bytes[4] = 0x08, bytes[5] = 1;
    for (size_t i = 6; i < 4 + MAX_RESPONSE_SIZE; i += 2) bytes[i] = 0x78, bytes[i + 1] = 1;
    CHECK(code_of_malformed(bytes, 4 + MAX_RESPONSE_SIZE) == RLIMITD_UNSUPPORTED);
    // A frame as long as there can be, all of it one text.
    memcpy(bytes, "\0\1\0\0\x08\1\x1a\xfa\xff\3\x32\xf6\xff\3", 14);
    memset(bytes + 14, 'x', MAX_RESPONSE_SIZE - 10);
    CHECK(code_of_malformed(bytes, 4 + MAX_RESPONSE_SIZE) == RLIMITD_INTERNAL);
    free(bytes);
}

// Any single byte of a good answer changed, or all from there on left out, and nothing worse than an error comes of it.
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

// Nobody has more edits than there are resources; an agent that says so is none.
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

// A lease, and another in the next part of the answer.
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

// ---- Time, and connections that end

static _Atomic int may_answer;  // a request that is answered late: 0 as long as it is not time

static void serve_late(struct scripted_agent *scripted, int fd) {
    Request *request;
    for (int round = 0; (request = next_request(scripted, fd, NULL)) != NULL; round++) {
        while (round == 0 && may_answer == 0) usleep(1000);
        answer(fd, limits_response(request, (uint64_t)(100 + round)));
        free_request(request);
    }
}

static void hanging_agent(void) {
    struct scripted_agent scripted;
    struct rlimitd_limits limits;
    struct rlimitd_error error;
    may_answer = 0;
    start_scripted_agent(&scripted, serve_late);
    struct rlimitd *agent = open_scripted(&scripted, 50, RLIMITD_AGENT_ONLY);
    uint64_t began = monotonic_now();
    CHECK_CODE(get_nofile(agent, &limits, &error), error, RLIMITD_DEADLINE_EXCEEDED);
    CHECK(errno == ETIMEDOUT && monotonic_now() - began >= 50000000);
    // The late answer is not taken for that to the next request.
    may_answer = 1;
    CHECK(rlimitd_configure(agent, 5000, RLIMITD_AGENT_ONLY) == 0);
    CHECK(get_nofile(agent, &limits, &error) == 0 && limits.of[RLIMIT_NOFILE].soft == 101);
    CHECK(scripted.connections == 1);
    CHECK(rlimitd_configure(agent, RLIMITD_NO_TIME, RLIMITD_AGENT_ONLY) == 0);
    CHECK_CODE(get_nofile(agent, &limits, &error), error, RLIMITD_DEADLINE_EXCEEDED);
    CHECK(rlimitd_configure(agent, 0, 2) == -1 && errno == EINVAL);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
}

// Closes the first connection in the middle of an answer, or before it.
static bool closes_always;

static void serve_closing(struct scripted_agent *scripted, int fd) {
    Request *request;
    while ((request = next_request(scripted, fd, NULL)) != NULL) {
        bool is_get = request->operation_case == RLIMITD__V1__REQUEST__OPERATION_GET;
        if (scripted->connections == 1 || closes_always) {
            if (is_get) {
                unsigned char *frame;
                size_t count = frame_of(limits_response(request, 1), &frame);
                send_bytes(fd, frame, count / 2);
                free(frame);
            }
            free_request(request);
            return;
        }
        answer(fd, limits_response(request, 9));
        free_request(request);
    }
}

static void closing_agent(void) {
    struct scripted_agent scripted;
    struct rlimitd_limits limits;
    struct rlimitd_error error;
    closes_always = false;
    start_scripted_agent(&scripted, serve_closing);
    struct rlimitd *agent = open_scripted(&scripted, 0, RLIMITD_AGENT_ONLY);
    // What only reads is asked again.
    CHECK(get_nofile(agent, &limits, &error) == 0 && limits.of[RLIMIT_NOFILE].soft == 9);
    CHECK(scripted.connections == 2 && scripted.requests == 2);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
    closes_always = true;
    start_scripted_agent(&scripted, serve_closing);
    agent = open_scripted(&scripted, 0, RLIMITD_AGENT_ONLY);
    CHECK_CODE(get_nofile(agent, &limits, &error), error, RLIMITD_CONNECTION_LOST);
    CHECK(scripted.requests == 2 && errno == ECONNRESET);
    // What may have been carried out is not.
    struct rlimitd_edit edit = rlimitd_edit_exact(RLIMIT_NOFILE, 1, 1);
    CHECK_CODE(rlimitd_set(agent, NULL, &edit, 1, NULL, &error), error, RLIMITD_CONNECTION_LOST);
    CHECK(scripted.requests == 3);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
}

static void serve_full(struct scripted_agent *scripted, int fd) {
    (void)scripted;
    answer(fd, error_response(0, RLIMITD_QUOTA_EXCEEDED, "too many connections"));
}

static void rejecting_agent(void) {
    struct scripted_agent scripted;
    struct rlimitd_error error;
    start_scripted_agent(&scripted, serve_full);
    struct rlimitd *agent = open_scripted(&scripted, 0, RLIMITD_AGENT_ONLY);
    for (int round = 0; round < 20; round++) {
        CHECK_CODE(get_nofile(agent, NULL, &error), error, RLIMITD_QUOTA_EXCEEDED);
    }
    CHECK(strcmp(error.message, "too many connections") == 0);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
}

// ---- Descriptors

static void serve_with_descriptors(struct scripted_agent *scripted, int fd) {
    Request *request;
    while ((request = next_request(scripted, fd, NULL)) != NULL) {
        unsigned char *frame;
        size_t count = frame_of(limits_response(request, 3), &frame);
        union {
            struct cmsghdr header;
            char bytes[CMSG_SPACE(sizeof(int))];
        } control = {.bytes = {0}};
        struct iovec vector = {.iov_base = frame, .iov_len = count};
        struct msghdr message = {
            .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
        sendmsg(fd, &message, MSG_NOSIGNAL);
        free(frame);
        free_request(request);
    }
}

static void sends_descriptors(void) {
    struct scripted_agent scripted;
    struct rlimitd_limits limits;
    start_scripted_agent(&scripted, serve_with_descriptors);
    struct rlimitd *agent = open_scripted(&scripted, 0, RLIMITD_AGENT_ONLY);
    CHECK(get_nofile(agent, &limits, NULL) == 0);
    int before = count_descriptors();
    for (int round = 0; round < 10; round++) CHECK(get_nofile(agent, &limits, NULL) == 0);
    CHECK(count_descriptors() == before);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
}

static _Atomic int received_pidfds, received_target;

static void serve_target(struct scripted_agent *scripted, int fd) {
    Request *request;
    int descriptors = 0;
    while ((request = next_request(scripted, fd, &descriptors)) != NULL) {
        received_pidfds = descriptors;
        received_target = request->get->target != NULL ? (int)request->get->target->process_case : 0;
        answer(fd, limits_response(request, 4));
        free_request(request);
        descriptors = 0;
    }
}

static void names_processes_by_pidfd(void) {
    struct scripted_agent scripted;
    struct rlimitd_limits limits;
    struct rlimitd_error error;
    start_scripted_agent(&scripted, serve_target);
    struct rlimitd *agent = open_scripted(&scripted, 0, RLIMITD_AGENT_ONLY);
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    struct rlimitd_target target = rlimitd_process(child);
    int before = count_descriptors();
    CHECK(rlimitd_get(agent, &target, nofile, 1, &limits, &error) == 0);
    CHECK(received_pidfds == 1 && received_target == RLIMITD__V1__TARGET__PROCESS_PIDFD);
    CHECK(count_descriptors() == before + 2);  // both ends of the connection
    int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    target = rlimitd_pidfd(pidfd);
    CHECK(rlimitd_get(agent, &target, nofile, 1, &limits, &error) == 0 && received_pidfds == 1);
    // Oneself needs no naming, whatever one is called by.
    target = rlimitd_process(getpid());
    CHECK(rlimitd_get(agent, &target, nofile, 1, &limits, &error) == 0 && received_pidfds == 0 && received_target == 0);
    CHECK(rlimitd_get(agent, NULL, nofile, 1, &limits, &error) == 0 && received_pidfds == 0 && received_target == 0);
    target = rlimitd_pidfd(0);
    CHECK_CODE(rlimitd_get(agent, &target, nofile, 1, &limits, &error), error, RLIMITD_INVALID_ARGUMENT);
    target = rlimitd_pidfd(99999);
    CHECK_CODE(rlimitd_get(agent, &target, nofile, 1, &limits, &error), error, RLIMITD_INVALID_ARGUMENT);
    CHECK(errno == EBADF);
    kill(child, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
    target = rlimitd_pidfd(pidfd);
    CHECK_CODE(rlimitd_get(agent, &target, nofile, 1, &limits, &error), error, RLIMITD_NO_SUCH_PROCESS);
    waitpid(child, NULL, 0);
    target = rlimitd_process(child);
    CHECK_CODE(rlimitd_get(agent, &target, nofile, 1, &limits, &error), error, RLIMITD_NO_SUCH_PROCESS);
    close(pidfd);
    rlimitd_close(agent);
    CHECK(scripted.requests == 4);
    stop_scripted_agent(&scripted);
}

// ---- Threads and children

static void serve_well(struct scripted_agent *scripted, int fd) {
    Request *request;
    while ((request = next_request(scripted, fd, NULL)) != NULL) {
        answer(fd, limits_response(request, 1000));
        free_request(request);
    }
}

struct worker {
    pthread_t thread;
    struct rlimitd *agent;
    int resource;
    int wrong;
};

static void *work(void *data) {
    struct worker *worker = data;
    for (int round = 0; round < 200; round++) {
        struct rlimitd_limits limits;
        bool is_right = rlimitd_get(worker->agent, NULL, &worker->resource, 1, &limits, NULL) == 0 &&
                        limits.of[worker->resource].hard == 1000 + (uint64_t)resource_to_wire(worker->resource);
        if (!is_right) worker->wrong++;
    }
    return NULL;
}

static void eight_threads(void) {
    struct scripted_agent scripted;
    struct worker workers[8];
    start_scripted_agent(&scripted, serve_well);
    struct rlimitd *agent = open_scripted(&scripted, 20000, RLIMITD_AGENT_ONLY);
    for (int i = 0; i < 8; i++) {
        workers[i] = (struct worker){.agent = agent, .resource = i};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(workers[i].thread, NULL);
        CHECK(workers[i].wrong == 0);
    }
    CHECK(scripted.connections == 1 && scripted.requests == 1600);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
}

static void *hang(void *data) {
    struct rlimitd_limits limits;
    return get_nofile(data, &limits, NULL) == 0 ? NULL : data;
}

// A thread that is cancelled in a call ends after it, and keeps nobody from calling.
static void a_thread_that_is_cancelled(void) {
    struct scripted_agent scripted;
    pthread_t waiting;
    may_answer = 0;
    start_scripted_agent(&scripted, serve_late);
    struct rlimitd *agent = open_scripted(&scripted, 5000, RLIMITD_AGENT_ONLY);
    pthread_create(&waiting, NULL, hang, agent);
    while (scripted.requests == 0) usleep(1000);
    pthread_cancel(waiting);
    may_answer = 1;
    pthread_join(waiting, NULL);
    struct rlimitd_limits limits;
    CHECK(get_nofile(agent, &limits, NULL) == 0 && limits.of[RLIMIT_NOFILE].soft == 101);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
}

// The first connection is answered when it is time, and others at once.

static void serve_both(struct scripted_agent *scripted, int fd) {
    if (scripted->connections > 1) return serve_well(scripted, fd);
    // Apart, so that the next one is served meanwhile.
    Request *request = next_request(scripted, fd, NULL);
    int next = accept4(scripted->listener, NULL, NULL, SOCK_CLOEXEC);
    scripted->connections++;
    serve_well(scripted, next);
    close(next);
    answer(fd, limits_response(request, 1000));
    free_request(request);
    serve_well(scripted, fd);
}

static void a_child_while_a_thread_waits(void) {
    struct scripted_agent scripted;
    pthread_t waiting;
    void *ended;
    start_scripted_agent(&scripted, serve_both);
    struct rlimitd *agent = open_scripted(&scripted, 20000, RLIMITD_AGENT_ONLY);
    pthread_create(&waiting, NULL, hang, agent);
    // The lock is held from here on by a thread that the child does not have.
    while (scripted.requests == 0) usleep(1000);
    pid_t child = fork();
    if (child == 0) {
        close(scripted.listener);
        struct rlimitd_limits limits;
        int fd = atomic_load(&agent->fd);
        bool is_right = get_nofile(agent, &limits, NULL) == 0 && limits.of[RLIMIT_NOFILE].soft == 1000;
        // The parent's connection is closed here, so that it ends when the parent does.
        is_right = is_right && (atomic_load(&agent->fd) == fd || fcntl(fd, F_GETFD) < 0);
        rlimitd_close(agent);
        _exit(is_right ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
    pthread_join(waiting, &ended);
    CHECK(ended == NULL);
    struct rlimitd_limits limits;
    CHECK(get_nofile(agent, &limits, NULL) == 0);
    CHECK(scripted.connections == 2);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
}

static void a_child_that_only_closes(void) {
    struct scripted_agent scripted;
    struct rlimitd_limits limits;
    start_scripted_agent(&scripted, serve_well);
    struct rlimitd *agent = open_scripted(&scripted, 0, RLIMITD_AGENT_ONLY);
    CHECK(get_nofile(agent, &limits, NULL) == 0);
    pid_t child = fork();
    if (child == 0) {
        int fd = atomic_load(&agent->fd);
        rlimitd_close(agent);
        _exit(fcntl(fd, F_GETFD) < 0 ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK(get_nofile(agent, &limits, NULL) == 0 && scripted.connections == 1);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
}

// ---- Whom to trust

static enum rlimitd_code code_at(const char *path, int *number) {
    struct rlimitd_error error = {.code = RLIMITD_OK};
    struct rlimitd_options options = {.socket = path, .flags = RLIMITD_AGENT_ONLY};
    struct rlimitd *agent = rlimitd_open(&options, NULL);
    struct rlimitd_limits limits;
    if (get_nofile(agent, &limits, &error) == 0) error.code = RLIMITD_OK;
    *number = error.error_number;
    rlimitd_close(agent);
    return error.code;
}

static void trust(void) {
    struct scripted_agent scripted;
    int number;
    char path[300], other[128];
    start_scripted_agent(&scripted, serve_well);
    CHECK(code_at(scripted.path, &number) == RLIMITD_OK);
    snprintf(other, sizeof other, "%s/link", scripted.folder);
    CHECK(symlink(scripted.path, other) == 0);
    CHECK(code_at(other, &number) == RLIMITD_UNTRUSTED_SOCKET && number == EACCES);
    unlink(other);
    CHECK(code_at(other, &number) == RLIMITD_AGENT_UNREACHABLE && number == ENOENT);
    CHECK(mkdir(other, 0700) == 0);
    CHECK(code_at(other, &number) == RLIMITD_AGENT_UNREACHABLE && number == ENOTSOCK);
    rmdir(other);
    chmod(scripted.folder, 0777);
    CHECK(code_at(scripted.path, &number) == RLIMITD_UNTRUSTED_SOCKET);
    chmod(scripted.folder, 01777);
    CHECK(code_at(scripted.path, &number) == RLIMITD_OK);
    chmod(scripted.folder, 0700);
    if (geteuid() == 0) {
        CHECK(chown(scripted.path, 4242, 4242) == 0);
        CHECK(code_at(scripted.path, &number) == RLIMITD_UNTRUSTED_SOCKET);
        CHECK(chown(scripted.path, 0, 0) == 0 && chown(scripted.folder, 4242, 4242) == 0);
        CHECK(code_at(scripted.path, &number) == RLIMITD_UNTRUSTED_SOCKET);
        CHECK(chown(scripted.folder, 0, 0) == 0);
    }
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    path[0] = '/';
    CHECK(code_at(path, &number) == RLIMITD_AGENT_UNREACHABLE && number == ENAMETOOLONG);
    struct rlimitd_options options = {.reserved = {0, 1}};
    errno = 0;
    CHECK(rlimitd_open(&options, NULL) == NULL && errno == EINVAL);
    stop_scripted_agent(&scripted);
    CHECK(code_at(scripted.path, &number) == RLIMITD_AGENT_UNREACHABLE && number == ENOENT);
}

// ---- The kernel first. In a process of its own, whose limits nobody minds.

static void drop_capabilities(void) {
    struct {
        uint32_t version;
        int pid;
    } header = {0x20080522, 0};
    uint32_t none[6] = {0};
    if (syscall(SYS_capset, &header, none) != 0) abort();
}

// Answers sets: the first edit is granted by a rule, but the second of several is refused. Counts what it was asked for.
static _Atomic int asked_edits;

static void serve_sets(struct scripted_agent *scripted, int fd) {
    Request *request;
    while ((request = next_request(scripted, fd, NULL)) != NULL) {
        asked_edits = (int)request->set->n_edits;
        Response *response = error_response(request->id, RLIMITD_DENIED_BY_POLICY, "no rule grants that");
        response->error->has_edit_index = 1;
        response->error->edit_index = request->set->n_edits > 1 ? 1 : 0;
        answer(fd, response);
        free_request(request);
    }
}

static struct rlimitd_limit own(int resource) {
    struct rlimitd_limit limit = {0, 0};
    rlimitd_prlimit(NULL, NULL, resource, NULL, &limit, NULL);
    return limit;
}

static int in_child(int (*run)(const struct scripted_agent *scripted), const struct scripted_agent *scripted) {
    pid_t child = fork();
    if (child == 0) {
        drop_capabilities();
        _exit(run(scripted));
    }
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int edit_own_limits(const struct scripted_agent *scripted) {
    struct rlimitd *agent = open_scripted(scripted, 0, 0);
    struct rlimitd_error error;
    struct rlimitd_changes *changes;
    struct rlimitd_edit pair[3] = {rlimitd_edit_exact(RLIMIT_NOFILE, 100, 200), rlimitd_edit_soft(RLIMIT_CORE, 0)};
    if (rlimitd_set(agent, NULL, pair, 2, &changes, &error) != 0) return 1;
    bool is_right = changes->count == 2 && !changes->list[0].by_agent && changes->list[0].after.hard == 200 &&
                    own(RLIMIT_NOFILE).soft == 100;
    rlimitd_free(changes);
    if (!is_right || scripted->connections != 0) return 2;
    // One half up and one down, another too high: nothing is made of it, and the error names the edit as it was asked for.
    pair[0] = rlimitd_edit_soft(RLIMIT_NPROC, 10);
    pair[1] = rlimitd_edit_exact(RLIMIT_NOFILE, 50, 300);
    pair[2] = rlimitd_edit_raise(RLIMIT_RTPRIO, 77);
    struct rlimitd_limit nproc = own(RLIMIT_NPROC);
    if (rlimitd_set(agent, NULL, pair, 3, NULL, &error) == 0) return 3;
    if (error.code != RLIMITD_DENIED_BY_POLICY || error.edit_index != 2) return 4;
    if (own(RLIMIT_NOFILE).soft != 100 || own(RLIMIT_NPROC).soft != nproc.soft) return 5;
    // A clamp takes what the kernel gives, and says why it is not all.
    pair[0] = rlimitd_edit_clamp(RLIMIT_NOFILE, 1000);
    if (rlimitd_set(agent, NULL, pair, 1, &changes, &error) != 0) return 6;
    is_right = changes->list[0].after.soft == 200 && changes->list[0].shortfall != NULL &&
               changes->list[0].shortfall->code == RLIMITD_DENIED_BY_POLICY;
    rlimitd_free(changes);
    if (!is_right) return 7;
    pair[0] = rlimitd_edit_soft(RLIMIT_NOFILE, 20);
    pair[0].has_expect = true;
    pair[0].expect = (struct rlimitd_limit){1, 2};
    if (rlimitd_set(agent, NULL, pair, 1, NULL, &error) == 0 || error.code != RLIMITD_CONFLICT) return 8;
    pair[0] = pair[1] = rlimitd_edit_soft(RLIMIT_NOFILE, 20);
    if (rlimitd_set(agent, NULL, pair, 2, NULL, &error) == 0 || error.code != RLIMITD_INVALID_ARGUMENT) return 9;
    pair[0] = (struct rlimitd_edit){.resource = RLIMIT_NOFILE};
    if (rlimitd_set(agent, NULL, pair, 1, NULL, &error) == 0 || error.code != RLIMITD_INVALID_ARGUMENT) return 10;
    pair[0].resource = 99;
    if (rlimitd_set(agent, NULL, pair, 1, NULL, &error) == 0 || error.code != RLIMITD_INVALID_RESOURCE) return 11;
    if (rlimitd_set(agent, NULL, pair, 0, &changes, &error) != 0 || changes->count != 0) return 12;
    rlimitd_free(changes);
    rlimitd_close(agent);
    return 0;
}

static int raise_own_limits(const struct scripted_agent *scripted) {
    (void)scripted;
    struct rlimitd_limit got, wanted = {100, 200};
    setenv("RLIMITD_SOCKET", "/nonexistent/socket", 1);
    if (rlimitd_prlimit(NULL, NULL, RLIMIT_NOFILE, &wanted, NULL, NULL) != 0) return 1;
    if (rlimitd_raise(RLIMIT_NOFILE, 150, &got) != 0 || got.soft != 150 || got.hard != 200) return 2;
    // Never lowers.
    if (rlimitd_raise(RLIMIT_NOFILE, 10, &got) != 0 || got.soft != 150 || got.hard != 200) return 3;
    if (rlimitd_raise(RLIMIT_NOFILE, 1000, &got) == 0 || errno != ENOENT || got.soft != 150 || got.hard != 200) return 4;
    if (rlimitd_raise(99, 1000, &got) == 0 || errno != EINVAL) return 5;
    if (rlimitd_raise(RLIMIT_NOFILE, 200, NULL) != 0 || own(RLIMIT_NOFILE).soft != 200) return 6;
    wanted.soft = 300;
    if (rlimitd_prlimit(NULL, NULL, RLIMIT_NOFILE, &wanted, NULL, NULL) == 0 || errno != EINVAL) return 7;
    wanted = (struct rlimitd_limit){300, 300};
    struct rlimitd_error error;
    if (rlimitd_prlimit(NULL, NULL, RLIMIT_NOFILE, &wanted, NULL, &error) == 0 || errno != ENOENT) return 8;
    if (strstr(error.message, "the kernel refuses nofile 300:300") == NULL) return 9;
    return 0;
}

static void kernel_first(void) {
    struct scripted_agent scripted;
    start_scripted_agent(&scripted, serve_sets);
    CHECK(in_child(raise_own_limits, &scripted) == 0);
    int value = in_child(edit_own_limits, &scripted);
    if (value != 0) fprintf(stderr, "    at %d\n", value);
    CHECK(value == 0);
    CHECK(asked_edits > 0);
    stop_scripted_agent(&scripted);
}

// Valgrind has limits of its own, knows no pidfds, and takes for lost what a child has of its parent's threads.
static bool has_kernel(void) { return getenv("VALGRIND") == NULL; }

int main(void) {
    test("names of resources and codes", names);
    test("edits as people write them", edits);
    test("texts that are long, and names of leases", long_texts);
    test("an answer in single bytes", in_single_bytes);
    test("an answer in parts", in_parts);
    test("answers that are rubbish", malformed_responses);
    test("answers that are too much", oversized_responses);
    test("answers that are almost right", mutated_responses);
    test("answers about too many", too_many_entries);
    test("an answer with two leases", two_leases);
    test("an agent that hangs", hanging_agent);
    test("an agent that closes in the middle", closing_agent);
    test("an agent that says why it closes", rejecting_agent);
    test("an agent that sends descriptors", sends_descriptors);
    if (has_kernel()) test("processes are named by a pidfd", names_processes_by_pidfd);
    test("eight threads on one connection", eight_threads);
    test("a thread that is cancelled", a_thread_that_is_cancelled);
    if (has_kernel()) test("a child while a thread waits", a_child_while_a_thread_waits);
    if (has_kernel()) test("a child that only closes", a_child_that_only_closes);
    test("whom to trust", trust);
    if (has_kernel()) test("the kernel first", kernel_first);
    return summary();
}
