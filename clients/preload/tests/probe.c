// Tests setrlimit(2) and prlimit(2) of a program with the library. tests/run starts it as a user to whom the policy
// grants 20000 open files, with a lower hard limit. Each case prints "ok" or "not ok" and its name.
//
//   probe CASE [ARGUMENT...]
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static bool has(rlim_t soft, rlim_t hard) {
    struct rlimit now;
    return getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == soft && now.rlim_max == hard;
}

static int raise_to(rlim_t number) {
    const struct rlimit limit = {number, number};
    return setrlimit(RLIMIT_NOFILE, &limit);
}

static bool exited_with_zero(pid_t child) {
    int status;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static int open_descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    while (folder != NULL && readdir(folder) != NULL) count++;
    if (folder != NULL) closedir(folder);
    return count;
}

static bool granted(char **arguments) {
    (void)arguments;
    const int before = open_descriptors();
    errno = EXDEV;
    return raise_to(20000) == 0 && errno == EXDEV && has(20000, 20000) && open_descriptors() == before;
}

static bool refused(char **arguments) {
    (void)arguments;
    struct rlimit now;
    getrlimit(RLIMIT_NOFILE, &now);
    const int before = open_descriptors();
    errno = 0;
    return raise_to(20001) == -1 && errno == EPERM && has(now.rlim_cur, now.rlim_max) && open_descriptors() == before;
}

// Refused within a time in milliseconds.
static bool refused_within(char **arguments) {
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    const bool is_refused = raise_to(20000) == -1 && errno == EPERM;
    clock_gettime(CLOCK_MONOTONIC, &end);
    const long took = (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000;
    if (took > atol(arguments[0])) printf("it took %ld ms\n", took);
    return is_refused && took <= atol(arguments[0]);
}

static bool other_errors(char **arguments) {
    (void)arguments;
    const struct rlimit upside_down = {2, 1}, fine = {1, 1};
    bool is_correct = setrlimit(RLIMIT_NOFILE, &upside_down) == -1 && errno == EINVAL;
    is_correct = is_correct && setrlimit((__rlimit_resource_t)99, &fine) == -1 && errno == EINVAL;
    is_correct = is_correct && prlimit(4194304, RLIMIT_NOFILE, &fine, NULL) == -1 && errno == ESRCH;
    return is_correct && setrlimit(RLIMIT_NOFILE, (const struct rlimit *)8) == -1 && errno == EFAULT;
}

static bool names(char **arguments) {
    (void)arguments;
    const char *const all[] = {"setrlimit", "setrlimit64", "prlimit", "prlimit64"};
    for (size_t index = 0; index < sizeof all / sizeof all[0]; index++) {
        Dl_info info;
        void *function = dlsym(RTLD_DEFAULT, all[index]);
        if (function == NULL || dladdr(function, &info) == 0 || strstr(info.dli_fname, "librlimitd-preload.so") == NULL)
            return false;
    }
    // The libraries inside are not visible to the program.
    return dlsym(RTLD_DEFAULT, "rlimitd_prlimit") == NULL && dlsym(RTLD_DEFAULT, "protobuf_c_message_unpack") == NULL;
}

static bool by_each_name(char **arguments) {
    (void)arguments;
    const struct rlimit a = {15001, 15001}, c = {15003, 15003};
    const struct rlimit64 b = {15002, 15002}, d = {15004, 15004};
    struct rlimit old;
    struct rlimit64 old64;
    return setrlimit(RLIMIT_NOFILE, &a) == 0 && has(15001, 15001) && setrlimit64(RLIMIT_NOFILE, &b) == 0 &&
           has(15002, 15002) && prlimit(0, RLIMIT_NOFILE, &c, &old) == 0 && old.rlim_max == 15002 && has(15003,
                                                                                                         15003) &&
           prlimit64(getpid(), RLIMIT_NOFILE, &d, &old64) == 0 && old64.rlim_cur == 15003 && has(15004, 15004);
}

// Lowers the soft limit and raises the hard limit in one call.
static bool both_ways(char **arguments) {
    (void)arguments;
    const struct rlimit limit = {100, 20000};
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 && has(100, 20000);
}

static bool of_a_child(char **arguments) {
    (void)arguments;
    const pid_t child = fork();
    if (child == 0) pause();
    const struct rlimit limit = {20000, 20000}, more = {20001, 20001};
    struct rlimit now = {0, 0};
    const bool is_correct = prlimit(child, RLIMIT_NOFILE, &limit, NULL) == 0 && prlimit(child, RLIMIT_NOFILE, NULL,
                                                                                        &now) == 0 &&
                      now.rlim_max == 20000 && prlimit(child, RLIMIT_NOFILE, &more, NULL) == -1 && errno == EPERM;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return is_correct && !has(20000, 20000);
}

static bool after_fork(char **arguments) {
    (void)arguments;
    for (int round = 0; round < 20; round++) {
        const pid_t child = fork();
        if (child == 0) _exit(raise_to(20000) == 0 && has(20000, 20000) ? 0 : 1);
        if (!exited_with_zero(child)) return false;
    }
    return raise_to(20000) == 0;
}

static bool after_vfork(char **arguments) {
    (void)arguments;
    for (volatile int round = 0; round < 20; round++) {
        const pid_t child = vfork();
        if (child == 0) _exit(raise_to(20000) == 0 ? 0 : 1);
        if (!exited_with_zero(child)) return false;
    }
    return !has(20000, 20000) && raise_to(20000) == 0;
}

static volatile sig_atomic_t handled;

static void handle(int signal) {
    (void)signal;
    handled = raise_to(20000) == 0 ? 1 : -1;
}

// The signal arrives while the program is inside malloc(3), most of the time.
static bool in_a_handler(char **arguments) {
    (void)arguments;
    signal(SIGALRM, handle);
    ualarm(20000, 0);
    while (handled == 0) {
        void *volatile memory = malloc(5000);
        free(memory);
    }
    return handled == 1;
}

static void *raise_in_thread(void *result) {
    *(int *)result = raise_to(20000);
    return NULL;
}

static bool on_a_small_stack(char **arguments) {
    (void)arguments;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 * 1024);
    pthread_t threads[8];
    int results[8];
    for (int index = 0; index < 8; index++) pthread_create(&threads[index], &small, raise_in_thread, &results[index]);
    bool is_correct = true;
    for (int index = 0; index < 8; index++) {
        pthread_join(threads[index], NULL);
        is_correct = is_correct && results[index] == 0;
    }
    return is_correct && has(20000, 20000);
}

static bool without_descriptors(char **arguments) {
    while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) {}
    return refused(arguments);
}

static const struct {
    const char *name;
    bool (*run)(char **arguments);
} cases[] = {
    {"granted", granted},
    {"refused", refused},
    {"refused-within", refused_within},
    {"other-errors", other_errors},
    {"names", names},
    {"by-each-name", by_each_name},
    {"both-ways", both_ways},
    {"of-a-child", of_a_child},
    {"after-fork", after_fork},
    {"after-vfork", after_vfork},
    {"in-a-handler", in_a_handler},
    {"on-a-small-stack", on_a_small_stack},
    {"without-descriptors", without_descriptors},
};

int main(int count, char **arguments) {
    for (size_t index = 0; count > 1 && index < sizeof cases / sizeof cases[0]; index++) {
        if (strcmp(arguments[1], cases[index].name) != 0) continue;
        const bool is_correct = cases[index].run(arguments + 2);
        printf("%s %s\n", is_correct ? "ok" : "not ok", arguments[1]);
        return is_correct ? 0 : 1;
    }
    fprintf(stderr, "probe: no case %s\n", count > 1 ? arguments[1] : "was given");
    return 64;
}
