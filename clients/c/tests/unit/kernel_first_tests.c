// Tests that the kernel is asked first. They run in child processes, because they change limits.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static void drop_capabilities(void) {
    struct {
        uint32_t version;
        int pid;
    } header = {0x20080522, 0};
    uint32_t none[6] = {0};
    if (syscall(SYS_capset, &header, none) != 0) abort();
}

// Refuses every set: its second edit if it has several. Stores the number of edits.
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
    // One half is raised and one lowered, and another edit is too high: no edit is applied, and the error has the index
    // of the caller's edit.
    pair[0] = rlimitd_edit_soft(RLIMIT_NPROC, 10);
    pair[1] = rlimitd_edit_exact(RLIMIT_NOFILE, 50, 300);
    pair[2] = rlimitd_edit_raise(RLIMIT_RTPRIO, 77);
    struct rlimitd_limit nproc = own(RLIMIT_NPROC);
    if (rlimitd_set(agent, NULL, pair, 3, NULL, &error) == 0) return 3;
    if (error.code != RLIMITD_DENIED_BY_POLICY || error.edit_index != 2) return 4;
    if (own(RLIMIT_NOFILE).soft != 100 || own(RLIMIT_NPROC).soft != nproc.soft) return 5;
    // A clamp stops at what the kernel allows, and says why it falls short.
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
    // A raise never lowers.
    if (rlimitd_raise(RLIMIT_NOFILE, 10, &got) != 0 || got.soft != 150 || got.hard != 200) return 3;
    if (rlimitd_raise(RLIMIT_NOFILE, 1000, &got) == 0 || errno != ENOENT || got.soft != 150 || got.hard != 200) {
        return 4;
    }
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

void kernel_first_tests(void) {
    if (has_kernel()) test("the kernel is asked before the agent", kernel_first);
}
