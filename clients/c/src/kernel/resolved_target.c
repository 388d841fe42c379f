#include "kernel/resolved_target.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/procfs.h"
#include "model/error.h"
#include "wire/protocol.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#define PIDFD_IDTYPE ((idtype_t)3)  // P_PIDFD
#define THREAD_PIDFD O_EXCL         // PIDFD_THREAD

static bool parse_pid_line(void *context, struct proc_line line) {
    if (!starts_with(line.text, "Pid:")) return true;
    const char *text = line.text + 4;
    uint64_t number;
    // The file shows -1 for a reaped process and 0 for a process without a number in this PID namespace.
    if (parse_proc_number(&text, &number) && number <= MAX_PID) *(pid_t *)context = (pid_t)number;
    return false;
}

static pid_t pid_of_pidfd(int pidfd) {
    char path[48];
    pid_t pid = 0;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    read_proc_lines(path, parse_pid_line, &pid);
    return pid;
}

static int resolve_pid(struct resolved_target *resolved, pid_t pid, struct rlimitd_error *error) {
    if (pid == getpid()) return 0;
    if (pid <= 0) return fail(error, RLIMITD_INVALID_ARGUMENT, "%d is no process id", (int)pid);
    resolved->kind = TARGET_PIDFD;
    resolved->pid = pid;
    snprintf(resolved->name, sizeof resolved->name, "process %d", (int)pid);
    if (pid > MAX_PID) return fail_no_such_process(error, resolved->name);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd >= 0) {
        resolved->pidfd = pidfd;
        resolved->is_owned = true;
        return 0;
    }
    switch (errno) {
    // For a thread that is not a process's leader: EINVAL before Linux 6.18, ENOENT since.
    case ESRCH:
    case EINVAL:
    case ENOENT:
        return fail_no_such_process(error, resolved->name);
    case EPERM:
    case ENOSYS:
    case EOPNOTSUPP:
        resolved->kind = TARGET_PID;
        return 0;
    default:
        return fail_with_errno(error, errno, "pidfd_open", resolved->name, -1);
    }
}

static int resolve_pidfd(struct resolved_target *resolved, int pidfd, struct rlimitd_error *error) {
    siginfo_t ignored;
    int flags = fcntl(pidfd, F_GETFL);
    if (flags < 0) {
        fail(error, RLIMITD_INVALID_ARGUMENT, "descriptor %d is not open", pidfd);
        error->error_number = errno;
        return -1;
    }
    // waitid(2) fails with ECHILD for the pidfd of a process that is not a child, and with EBADF for any other
    // descriptor. For a child it returns 0, or EAGAIN if the pidfd is nonblocking.
    int waited = waitid(PIDFD_IDTYPE, (id_t)pidfd, &ignored, WEXITED | WNOHANG | WNOWAIT);
    bool is_pidfd = waited == 0 || errno == ECHILD || errno == EAGAIN;
    if (!is_pidfd || (flags & THREAD_PIDFD) != 0) {
        return fail(error, RLIMITD_INVALID_ARGUMENT, "descriptor %d is no pidfd of a process", pidfd);
    }
    pid_t pid = pid_of_pidfd(pidfd);
    if (pid == getpid()) return 0;
    resolved->kind = TARGET_PIDFD;
    resolved->pid = pid;
    resolved->pidfd = pidfd;
    // Without a number in /proc, only the agent can answer.
    if (pid > 0) {
        snprintf(resolved->name, sizeof resolved->name, "process %d", (int)pid);
    } else {
        snprintf(resolved->name, sizeof resolved->name, "a process in another PID namespace");
    }
    return 0;
}

int resolve_target(struct resolved_target *resolved, const struct rlimitd_target *target, struct rlimitd_error *error) {
    *resolved = (struct resolved_target){.kind = TARGET_SELF, .pidfd = -1, .target = target, .name = "this process"};
    if (target == NULL) return 0;
    switch (target->kind) {
    case RLIMITD_SELF:
        return 0;
    case RLIMITD_PID:
        if (resolve_pid(resolved, target->pid, error) != 0) return -1;
        return require_alive(resolved, error);
    case RLIMITD_PIDFD:
        if (resolve_pidfd(resolved, target->pidfd, error) != 0) return -1;
        return require_alive(resolved, error);
    case RLIMITD_CGROUP:
    case RLIMITD_POD:
        resolved->kind = TARGET_PROCESSES;
        snprintf(resolved->name, sizeof resolved->name, "a %s", target->kind == RLIMITD_POD ? "pod" : "cgroup");
        if (target->path == NULL || strlen(target->path) <= MAX_PATH_LENGTH) return 0;
        return fail(error, RLIMITD_INVALID_ARGUMENT, "the path of the target has %zu bytes; the maximum is %d",
                    strlen(target->path), MAX_PATH_LENGTH);
    }
    return fail(error, RLIMITD_INVALID_ARGUMENT, "%d is not a kind of target", (int)target->kind);
}

void release_target(struct resolved_target *resolved) {
    if (resolved->is_owned) close(resolved->pidfd);
    resolved->is_owned = false;
}

int require_alive(const struct resolved_target *resolved, struct rlimitd_error *error) {
    if (resolved->kind != TARGET_PIDFD) return 0;
    struct pollfd entry = {.fd = resolved->pidfd, .events = POLLIN};
    int ready;
    do {
        ready = poll(&entry, 1, 0);
    } while (ready < 0 && errno == EINTR);
    // Once the process has ended, what was read by its pid may belong to another process.
    return ready == 0 ? 0 : fail_no_such_process(error, resolved->name);
}
