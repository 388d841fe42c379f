// Tests with a real agent, which serves policy.toml at RLIMITD_SOCKET. They need root. CAN_RAISE is set if the agent
// can raise hard limits.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/resource.h"
#include "test.h"

static const int nofile[] = {RLIMIT_NOFILE};
static const struct rlimitd_options only = {.flags = RLIMITD_AGENT_ONLY};

static bool can_raise(void) { return getenv("CAN_RAISE") != NULL; }

static void drop_to_user(void) {
    if (setgid(64001) != 0 || setuid(64001) != 0) _exit(100);
}

// Runs a function in a child process as another user. The function returns 0, or the number of the check that failed.
static void in_child_as_user(int (*run)(void)) {
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {256, 512};
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) _exit(99);
        drop_to_user();
        _exit(run());
    }
    int status = -1;
    waitpid(child, &status, 0);
    if (status != 0) fprintf(stderr, "    at %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
    CHECK(status == 0);
}

// Starts a process of another user, and waits until it has changed its user.
static pid_t start_other(void) {
    int ready[2];
    char byte = 0;
    if (pipe(ready) != 0) abort();
    pid_t child = fork();
    if (child == 0) {
        drop_to_user();
        if (write(ready[1], &byte, 1) != 1) _exit(1);
        pause();
        _exit(0);
    }
    close(ready[1]);
    CHECK(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    return child;
}

static void end_other(pid_t child) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void server_info_and_stats(void) {
    struct rlimitd *agent = rlimitd_open(NULL, NULL);
    struct rlimitd_server_info *info = NULL;
    struct rlimitd_stats stats;
    CHECK(rlimitd_server_info(agent, &info, NULL) == 0);
    if (info != NULL) {
        CHECK(info->caller.pid == (uint64_t)getpid() && info->caller.uid == geteuid() && info->feature_count > 3);
        CHECK(strcmp(info->version, rlimitd_version()) == 0 && info->nr_open > 1024);
    }
    rlimitd_free(info);
    CHECK(rlimitd_stats(agent, &stats, NULL) == 0 && stats.requests_total > 0);
    rlimitd_close(agent);
}

static void own_limits(void) {
    struct rlimitd *agent = rlimitd_open(&only, NULL);
    struct rlimitd_limits by_agent, kernel;
    CHECK(rlimitd_get(agent, NULL, NULL, 0, &by_agent, NULL) == 0 && by_agent.known == ALL_RESOURCES);
    CHECK(rlimitd_get(NULL, NULL, NULL, 0, &kernel, NULL) == 0);
    CHECK(memcmp(&by_agent, &kernel, sizeof by_agent) == 0);
    rlimitd_close(agent);
}

static void another_process(void) {
    struct rlimitd *agent = rlimitd_open(&only, NULL);
    struct rlimitd_error error;
    struct rlimitd_limit old, wanted = {300, 400};
    struct rlimitd_usage usage;
    pid_t child = start_other();
    struct rlimitd_target target = rlimitd_process(child);
    CHECK(rlimitd_prlimit(agent, &target, RLIMIT_NOFILE, &wanted, &old, &error) == 0);
    wanted = (struct rlimitd_limit){350, 400};
    CHECK(rlimitd_prlimit(agent, &target, RLIMIT_NOFILE, &wanted, &old, &error) == 0 && old.soft == 300);
    // Without AGENT_ONLY the kernel is asked first. It refuses root of a user namespace, so the agent answers.
    CHECK(rlimitd_prlimit(NULL, &target, RLIMIT_NOFILE, NULL, &old, &error) == 0 && old.soft == 350 && old.hard == 400);
    struct rlimitd_changes *changes = NULL;
    struct rlimitd_edit edit = rlimitd_edit_soft(RLIMIT_NOFILE, 200);
    CHECK(rlimitd_set(agent, &target, &edit, 1, &changes, &error) == 0);
    if (changes != NULL) CHECK(changes->list[0].by_agent && strcmp(changes->list[0].rule, "tests") == 0);
    rlimitd_free(changes);
    CHECK(rlimitd_usage(agent, &target, RLIMITD_OF_PROCESS, 0, &usage, &error) == 0 &&
          (usage.known & RLIMITD_MAX_RESIDENT) != 0 && (usage.in_use_known & 1u << RLIMIT_AS) != 0);
    CHECK_CODE(rlimitd_usage(agent, &target, RLIMITD_OF_THREAD, 0, &usage, &error), error, RLIMITD_INVALID_ARGUMENT);
    CHECK(rlimitd_usage(agent, &target, RLIMITD_OF_THREAD, child, &usage, &error) == 0);
    struct rlimitd_processes *processes = NULL;
    CHECK_CODE(rlimitd_get_each(agent, &target, NULL, 0, &processes, &error), error, RLIMITD_INVALID_ARGUMENT);
    end_other(child);
    CHECK_CODE(rlimitd_get(agent, &target, nofile, 1, NULL, &error), error, RLIMITD_NO_SUCH_PROCESS);
    rlimitd_close(agent);
}

static void explanations(void) {
    struct rlimitd *agent = rlimitd_open(NULL, NULL);
    struct rlimitd_explanation *explanation = NULL;
    struct rlimitd_edit edits[2] = {rlimitd_edit_raise(RLIMIT_NOFILE, 60000), rlimitd_edit_raise(RLIMIT_NOFILE, 70000)};
    struct rlimitd_edit lock = rlimitd_edit_exact(RLIMIT_LOCKS, 1, RLIMITD_INFINITY);
    struct rlimitd_question question = {.operation = RLIMITD_SET, .edits = edits, .edit_count = 1};
    CHECK(rlimitd_explain(agent, &question, &explanation, NULL) == 0);
    if (explanation != NULL) CHECK(explanation->count == 1 && explanation->verdicts[0].has_now);
    rlimitd_free(explanation);
    struct rlimitd_error error;
    question.edit_count = 2;
    CHECK_CODE(rlimitd_explain(agent, &question, &explanation, &error), error, RLIMITD_INVALID_ARGUMENT);
    question.edits = &lock;
    question.edit_count = 0;
    CHECK_CODE(rlimitd_explain(agent, &question, &explanation, &error), error, RLIMITD_INVALID_ARGUMENT);
    question = (struct rlimitd_question){.operation = RLIMITD_GET};
    CHECK(rlimitd_explain(agent, &question, &explanation, NULL) == 0);
    if (explanation != NULL) CHECK(explanation->allowed && explanation->count == RLIMITD_RESOURCES);
    rlimitd_free(explanation);
    rlimitd_close(agent);
}

static int refusals(void) {
    struct rlimitd *agent = rlimitd_open(NULL, NULL);
    struct rlimitd_error error;
    struct rlimitd_edit edit = rlimitd_edit_raise(RLIMIT_NOFILE, 100000);
    if (rlimitd_set(agent, NULL, &edit, 1, NULL, &error) == 0 || errno != EPERM) return 1;
    if (error.code != RLIMITD_DENIED_BY_POLICY || !error.has_allowed || error.allowed.hard != 65536) return 2;
    if (error.resource != RLIMIT_NOFILE || error.edit_index != 0) return 3;
    // What the kernel allows needs no rule.
    struct rlimitd_limit got;
    if (rlimitd_raise(RLIMIT_NOFILE, 300, &got) != 0 || got.soft != 300 || got.hard != 512) return 4;
    if (rlimitd_raise(RLIMIT_NOFILE, 100000, &got) == 0 || errno != EPERM || got.hard != 512) return 5;
    pid_t parent = getppid();
    struct rlimitd_target target = rlimitd_process(parent);
    if (rlimitd_set(agent, &target, &edit, 1, NULL, &error) == 0 || error.code != RLIMITD_DENIED_BY_POLICY) return 6;
    rlimitd_close(agent);
    return 0;
}

static int raises(void) {
    struct rlimitd_limit got;
    if (rlimitd_raise(RLIMIT_NOFILE, 60000, &got) != 0 || got.soft != 60000 || got.hard != 60000) return 1;
    struct rlimitd *agent = rlimitd_open(NULL, NULL);
    // The agent raises one half and the kernel lowers the other.
    struct rlimitd_limit old, wanted = {100, 65536};
    if (rlimitd_prlimit(agent, NULL, RLIMIT_NOFILE, &wanted, &old, NULL) != 0 || old.soft != 60000) return 2;
    struct rlimitd_edit max_memlock;
    struct rlimitd_changes *changes;
    if (rlimitd_edit_parse("memlock=max", &max_memlock, NULL) != 0) return 3;
    if (rlimitd_set(agent, NULL, &max_memlock, 1, &changes, NULL) != 0 || changes->list[0].after.hard != 1 << 30) return 4;
    if (!changes->list[0].by_agent || strcmp(changes->list[0].rule, "one's own") != 0) return 5;
    rlimitd_free(changes);
    rlimitd_close(agent);
    return 0;
}

// A lease of a soft limit needs a rule but no capability.
static int leases(void) {
    struct rlimitd *agent = rlimitd_open(NULL, NULL), *other = rlimitd_open(NULL, NULL);
    struct rlimitd_edit edit = rlimitd_edit_soft(RLIMIT_NOFILE, 400);
    struct rlimitd_lease *lease, *renewed;
    struct rlimitd_leases *list;
    struct rlimitd_restorations *restorations;
    struct rlimitd_error error;
    struct rlimitd_limit now;
    if (rlimitd_lease(agent, NULL, &edit, 1, 60000, &lease, &error) != 0) return 1;
    if (lease->count != 1 || lease->changes[0].after.soft != 400 || lease->remaining_ms == 0) return 2;
    if (rlimitd_lease_list(other, &list, &error) != 0 || list->count != 1) return 3;
    rlimitd_free(list);
    if (rlimitd_lease_renew(other, &lease->id, 120000, &renewed, &error) != 0 || renewed->remaining_ms <= 60000) {
        return 4;
    }
    rlimitd_free(renewed);
    if (rlimitd_lease_release(other, &lease->id, &restorations, &error) != 0) return 5;
    if (restorations->count != 1 || restorations->list[0].outcome != RLIMITD_RESTORED) return 6;
    rlimitd_free(restorations);
    if (rlimitd_lease_release(other, &lease->id, NULL, &error) == 0 || errno != ENOENT) return 7;
    if (error.code != RLIMITD_LEASE_ENDED) return 7;
    rlimitd_free(lease);
    // A lease that lasts as long as the connection.
    if (rlimitd_lease(NULL, NULL, &edit, 1, 0, &lease, &error) == 0 || error.code != RLIMITD_INVALID_ARGUMENT) return 8;
    if (rlimitd_lease(agent, NULL, &edit, 1, 0, &lease, &error) != 0) return 9;
    rlimitd_free(lease);
    rlimitd_close(agent);
    for (int round = 0; round < 5000; round++) {
        if (rlimitd_prlimit(NULL, NULL, RLIMIT_NOFILE, NULL, &now, NULL) == 0 && now.soft == 256) break;
        usleep(2000);
    }
    if (now.soft != 256) return 10;
    edit = rlimitd_edit_soft(RLIMIT_CPU, 1);
    if (rlimitd_lease(other, NULL, &edit, 1, 1000, &lease, &error) == 0 || error.code != RLIMITD_UNSUPPORTED) return 11;
    rlimitd_close(other);
    return 0;
}

static void *work(void *data) {
    int wrong = 0;
    for (int round = 0; round < 100; round++) {
        struct rlimitd_limits limits;
        if (rlimitd_get(data, NULL, NULL, 0, &limits, NULL) != 0 || limits.known != ALL_RESOURCES) wrong++;
    }
    return (void *)(intptr_t)wrong;
}

static void threads_and_a_child(void) {
    pthread_t threads[8];
    struct rlimitd *agent = rlimitd_open(&only, NULL);
    for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, work, agent);
    for (int round = 0; round < 5; round++) {
        pid_t child = fork();
        if (child == 0) {
            struct rlimitd_server_info *info;
            bool is_known = rlimitd_server_info(agent, &info, NULL) == 0 && info->caller.pid == (uint64_t)getpid();
            if (is_known) rlimitd_free(info);
            rlimitd_close(agent);
            _exit(is_known ? 0 : 1);
        }
        int status = -1;
        waitpid(child, &status, 0);
        CHECK(status == 0);
    }
    for (int i = 0; i < 8; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        CHECK(wrong == NULL);
    }
    rlimitd_close(agent);
}

static void refused(void) { in_child_as_user(refusals); }
static void raised(void) { in_child_as_user(raises); }
static void leased(void) { in_child_as_user(leases); }

int main(void) {
    test("server_info names the caller, and stats counts its request", server_info_and_stats);
    if (has_kernel()) test("the agent reads the same limits as the kernel", own_limits);
    if (has_kernel()) test("limits and usage of another process, until it ends", another_process);
    test("explain answers for each edit and rejects wrong batches", explanations);
    if (has_kernel()) test("a refusal names the limit, the edit and the maximum", refused);
    if (has_kernel()) test("a lease is listed, renewed and released, or ends with its connection", leased);
    test("eight threads and their children share a connection", threads_and_a_child);
    if (can_raise()) test("the agent raises hard limits", raised);
    return summary();
}
