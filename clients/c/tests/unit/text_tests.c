#include <errno.h>
#include <string.h>

#include "model/error.h"
#include "unit.h"

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

void text_tests(void) {
    test("resources and codes are found by name", names);
    test("edits are parsed, and wrong ones rejected", edits);
    test("long messages are truncated, and lease ids converted", long_texts);
}
