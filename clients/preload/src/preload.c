// setrlimit(2) and prlimit(2) for programs that do not know the agent. Each function makes the system call that the C
// library makes. Only if the kernel answers EPERM does it ask the agent. The program sees success or the kernel's
// EPERM.
//
// The functions take no lock and do not use the heap, so they are safe in a signal handler and between fork or vfork
// and exec.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <rlimitd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

// The headers of the C library decide which of the names a program calls. The functions differ only if rlim_t has 32
// bits.
_Static_assert(sizeof(rlim_t) == 8 && RLIM_INFINITY == RLIMITD_INFINITY, "only where rlim_t has 64 bits");
#undef setrlimit64
#undef prlimit64

#define EXPORTED __attribute__((visibility("default")))

enum { DEFAULT_TIMEOUT_MS = 1000, MAX_TIMEOUT_MS = 60000 };

// Read once, before other threads exist, because a program can change its environment later.
static struct {
    bool uses_agent;
    bool logs;
    uint32_t timeout_ms;
    char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];
} settings;

// One line on standard error, in one write.
__attribute__((format(printf, 1, 2))) static void log_line(const char *format, ...) {
    if (!settings.logs) return;
    char line[512];
    int length = snprintf(line, sizeof line, "rlimitd-preload[%d]: ", (int)getpid());
    va_list arguments;
    va_start(arguments, format);
    length += vsnprintf(line + length, sizeof line - (size_t)length, format, arguments);
    va_end(arguments);
    if (length > (int)sizeof line - 1) length = (int)sizeof line - 1;
    line[length] = '\n';
    if (write(STDERR_FILENO, line, (size_t)length + 1) < 0) return;
}

static bool is_set(const char *value) { return value != NULL && value[0] != '\0' && strcmp(value, "0") != 0; }

__attribute__((constructor)) static void read_settings(void) {
    // In a setuid program the library does nothing, because another user controls the environment.
    if (getauxval(AT_SECURE) != 0) return;
    settings.logs = is_set(getenv("RLIMITD_PRELOAD_DEBUG"));
    settings.uses_agent = true;
    settings.timeout_ms = DEFAULT_TIMEOUT_MS;
    const char *timeout = getenv("RLIMITD_PRELOAD_TIMEOUT_MS");
    if (timeout != NULL) {
        char *end;
        const unsigned long number = strtoul(timeout, &end, 10);
        if (timeout[0] >= '0' && timeout[0] <= '9' && *end == '\0' && number >= 1 && number <= MAX_TIMEOUT_MS)
            settings.timeout_ms = (uint32_t)number;
        else
            log_line("RLIMITD_PRELOAD_TIMEOUT_MS is \"%s\" and must be 1 to %d; using %d", timeout,
                     MAX_TIMEOUT_MS, DEFAULT_TIMEOUT_MS);
    }
    const char *socket = getenv("RLIMITD_SOCKET");
    if (socket != NULL && strlen(socket) >= sizeof settings.socket) {
        log_line("RLIMITD_SOCKET is longer than the path of a socket can be; the agent is not asked");
        settings.uses_agent = false;
    } else if (socket != NULL) {
        memcpy(settings.socket, socket, strlen(socket) + 1);
    }
    log_line("loaded; where the kernel refuses, the agent is asked, for at most %u ms", settings.timeout_ms);
}

// 0, or -1 if the agent refuses or cannot be reached.
static int call_agent(pid_t pid, int resource, const struct rlimit *limit, struct rlimit *old_limit) {
    const struct rlimitd_options options = {.socket = settings.socket[0] ? settings.socket : NULL,
                                            .timeout_ms = settings.timeout_ms};
    struct rlimitd_error error;
    struct rlimitd *agent = rlimitd_open(&options, &error);
    int result = -1;
    if (agent != NULL) {
        const struct rlimitd_target other = rlimitd_process(pid);
        const struct rlimitd_limit wanted = {limit->rlim_cur, limit->rlim_max};
        struct rlimitd_limit old;
        result = rlimitd_prlimit(agent, pid == 0 || pid == getpid() ? NULL : &other, resource, &wanted, &old, &error);
        if (result == 0 && old_limit != NULL) *old_limit = (struct rlimit){old.soft, old.hard};
        rlimitd_close(agent);
    }
    const char *name = rlimitd_resource_name(resource);
    if (result == 0)
        log_line("the agent granted %s %llu:%llu", name, (unsigned long long)limit->rlim_cur,
                 (unsigned long long)limit->rlim_max);
    else
        log_line("%s stays as it is: %s", name, error.message);
    return result;
}

static int kernel_then_agent(pid_t pid, int resource, const struct rlimit *limit, struct rlimit *old_limit) {
    const int saved_errno = errno;
    const int result = (int)syscall(SYS_prlimit64, pid, resource, limit, old_limit);
    // The kernel has read `limit`, so the pointer is valid.
    if (result == 0 || errno != EPERM || limit == NULL || !settings.uses_agent) return result;
    // The replaced functions are no cancellation points, and a thread cancelled below would leave the socket open.
    int cancel_state, ignored;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    const int answer = call_agent(pid, resource, limit, old_limit);
    pthread_setcancelstate(cancel_state, &ignored);
    if (answer == 0) {
        errno = saved_errno;
        return 0;
    }
    errno = EPERM;
    return -1;
}

EXPORTED int prlimit(pid_t pid, __rlimit_resource_t resource, const struct rlimit *limit, struct rlimit *old_limit) {
    return kernel_then_agent(pid, (int)resource, limit, old_limit);
}

EXPORTED int prlimit64(pid_t pid, __rlimit_resource_t resource, const struct rlimit64 *limit,
                       struct rlimit64 *old_limit) {
    return kernel_then_agent(pid, (int)resource, (const struct rlimit *)limit, (struct rlimit *)old_limit);
}

EXPORTED int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit) {
    return kernel_then_agent(0, (int)resource, limit, NULL);
}

EXPORTED int setrlimit64(__rlimit_resource_t resource, const struct rlimit64 *limit) {
    return kernel_then_agent(0, (int)resource, (const struct rlimit *)limit, NULL);
}
