#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

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

void trust_tests(void) {
    test("a socket is trusted only if root or this user can have created it", trust);
}
