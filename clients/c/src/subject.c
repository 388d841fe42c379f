#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#define PIDFD_IDTYPE ((idtype_t)3)  // P_PIDFD
#define THREAD_PIDFD O_EXCL         // PIDFD_THREAD

// What the kernel's prlimit64(2) takes on every architecture.
struct kernel_limit {
    uint64_t soft, hard;
};

static int kernel_prlimit(pid_t pid, int resource, const struct rlimitd_limit *wanted, struct rlimitd_limit *old) {
    struct kernel_limit new_limit = {0, 0}, old_limit = {0, 0};
    if (wanted != NULL) new_limit = (struct kernel_limit){wanted->soft, wanted->hard};
    if (syscall(SYS_prlimit64, pid, resource, wanted != NULL ? &new_limit : NULL, &old_limit) != 0) return -errno;
    *old = (struct rlimitd_limit){old_limit.soft, old_limit.hard};
    return 0;
}

static bool take_pid_line(void *into, struct proc_line line) {
    if (!starts_with(line.text, "Pid:")) return true;
    const char *text = line.text + 4;
    uint64_t number;
    // -1 once it was reaped, 0 where it has no number in this PID namespace.
    if (proc_number(&text, &number) && number <= GREATEST_PID) *(pid_t *)into = (pid_t)number;
    return false;
}

static pid_t number_of(int pidfd) {
    char path[48];
    pid_t pid = 0;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    proc_lines(path, take_pid_line, &pid);
    return pid;
}

static int take_pid(struct subject *subject, pid_t pid, struct rlimitd_error *error) {
    if (pid == getpid()) return 0;
    if (pid <= 0) return fail(error, RLIMITD_INVALID_ARGUMENT, "%d is no process id", (int)pid);
    subject->kind = HELD;
    subject->number = pid;
    snprintf(subject->name, sizeof subject->name, "process %d", (int)pid);
    if (pid > GREATEST_PID) return fail_no_such_process(error, subject->name);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd >= 0) {
        subject->pidfd = pidfd;
        subject->is_owned = true;
        return 0;
    }
    switch (errno) {
    // Of a thread that leads no process, EINVAL before Linux 6.18 and ENOENT since.
    case ESRCH:
    case EINVAL:
    case ENOENT:
        return fail_no_such_process(error, subject->name);
    case EPERM:
    case ENOSYS:
    case EOPNOTSUPP:
        subject->kind = NUMBERED;
        return 0;
    default:
        return fail_by_system(error, errno, "pidfd_open", subject->name, -1);
    }
}

static int take_pidfd(struct subject *subject, int pidfd, struct rlimitd_error *error) {
    siginfo_t ignored;
    int flags = fcntl(pidfd, F_GETFL);
    if (flags < 0) {
        fail(error, RLIMITD_INVALID_ARGUMENT, "descriptor %d is not open", pidfd);
        error->error_number = errno;
        return -1;
    }
    // waitid(2) looks at the kind of the descriptor alone. It is not our child; if it were, 0 or EAGAIN.
    int waited = waitid(PIDFD_IDTYPE, (id_t)pidfd, &ignored, WEXITED | WNOHANG | WNOWAIT);
    bool is_pidfd = waited == 0 || errno == ECHILD || errno == EAGAIN;
    if (!is_pidfd || (flags & THREAD_PIDFD) != 0) {
        return fail(error, RLIMITD_INVALID_ARGUMENT, "descriptor %d is no pidfd of a process", pidfd);
    }
    pid_t number = number_of(pidfd);
    if (number == getpid()) return 0;
    subject->kind = HELD;
    subject->number = number;
    subject->pidfd = pidfd;
    // Where /proc does not tell its number, only the agent can be asked about it.
    if (number > 0) {
        snprintf(subject->name, sizeof subject->name, "process %d", (int)number);
    } else {
        snprintf(subject->name, sizeof subject->name, "a process of another PID namespace");
    }
    return 0;
}

int take_subject(struct subject *subject, const struct rlimitd_target *target, struct rlimitd_error *error) {
    *subject = (struct subject){.kind = CALLER, .pidfd = -1, .target = target, .name = "this process"};
    if (target == NULL) return 0;
    switch (target->kind) {
    case RLIMITD_SELF:
        return 0;
    case RLIMITD_PID:
        if (take_pid(subject, target->pid, error) != 0) return -1;
        return require_alive(subject, error);
    case RLIMITD_PIDFD:
        if (take_pidfd(subject, target->pidfd, error) != 0) return -1;
        return require_alive(subject, error);
    case RLIMITD_CGROUP:
    case RLIMITD_POD:
        subject->kind = MANY;
        snprintf(subject->name, sizeof subject->name, "a %s", target->kind == RLIMITD_POD ? "pod" : "cgroup");
        if (target->path == NULL || strlen(target->path) <= LONGEST_PATH) return 0;
        return fail(error, RLIMITD_INVALID_ARGUMENT, "the path of the target has %zu bytes; at most %d are read",
                    strlen(target->path), LONGEST_PATH);
    }
    return fail(error, RLIMITD_INVALID_ARGUMENT, "%d is no kind of target", (int)target->kind);
}

void let_go(struct subject *subject) {
    if (subject->is_owned) close(subject->pidfd);
    subject->is_owned = false;
}

int require_alive(const struct subject *subject, struct rlimitd_error *error) {
    if (subject->kind != HELD) return 0;
    struct pollfd entry = {.fd = subject->pidfd, .events = POLLIN};
    int ready;
    do {
        ready = poll(&entry, 1, 0);
    } while (ready < 0 && errno == EINTR);
    // What was read by its number then may be another's.
    return ready == 0 ? 0 : fail_no_such_process(error, subject->name);
}

Rlimitd__V1__Target *wire_target(const struct subject *subject, Rlimitd__V1__Target *message, Rlimitd__V1__Empty *empty) {
    rlimitd__v1__target__init(message);
    rlimitd__v1__empty__init(empty);
    switch (subject->kind) {
    case CALLER:
        return NULL;
    case HELD:
        message->process_case = RLIMITD__V1__TARGET__PROCESS_PIDFD;
        message->pidfd = empty;
        break;
    case NUMBERED:
        message->process_case = RLIMITD__V1__TARGET__PROCESS_PID;
        message->pid = (uint64_t)subject->number;
        break;
    case MANY: {
        const char *path = subject->target->path != NULL ? subject->target->path : "";
        ProtobufCBinaryData data = {.len = strlen(path), .data = (uint8_t *)(uintptr_t)path};
        bool is_pod = subject->target->kind == RLIMITD_POD;
        message->process_case = is_pod ? RLIMITD__V1__TARGET__PROCESS_POD : RLIMITD__V1__TARGET__PROCESS_CGROUP;
        if (is_pod) message->pod = data; else message->cgroup = data;
        break;
    }
    }
    return message;
}

// The number that the kernel is asked by: 0 for ourselves, -1 where there is none.
static pid_t kernel_number(const struct subject *subject) {
    if (subject->kind == CALLER) return 0;
    return subject->number > 0 && subject->kind != MANY ? subject->number : -1;
}

static int fail_without_number(const struct subject *subject, struct rlimitd_error *error) {
    return fail_by_system(error, EPERM, "no number in this PID namespace", subject->name, -1);
}

int read_limit(const struct subject *subject, int resource, struct rlimitd_limit *limit, struct rlimitd_error *error) {
    pid_t pid = kernel_number(subject);
    if (pid < 0) return fail_without_number(subject, error);
    int number = kernel_prlimit(pid, resource, NULL, limit);
    if (number == -ESRCH) return fail_no_such_process(error, subject->name);
    if (number < 0) return fail_by_system(error, -number, "prlimit", subject->name, -1);
    return require_alive(subject, error);
}

static int fail_setting(const struct subject *subject, int resource, struct rlimitd_limit wanted, int number,
                        struct rlimitd_error *error) {
    if (number == ESRCH) return fail_no_such_process(error, subject->name);
    if (number != EPERM) return fail_by_system(error, number, "prlimit", subject->name, resource);
    char hard[LIMIT_TEXT_SIZE], both[LIMIT_TEXT_SIZE], text[64];
    uint64_t ceiling = resource == RLIMIT_NOFILE ? open_files_ceiling() : 0;
    // EPERM may also stand for fs.nr_open.
    if (ceiling > 0 && wanted.hard > ceiling) {
        fail(error, RLIMITD_ABOVE_SYSTEM_CEILING, "nofile %s is above fs.nr_open, which is %llu",
             bound_text(wanted.hard, hard), (unsigned long long)ceiling);
        error->has_allowed = true;
        error->allowed = (struct rlimitd_limit){ceiling, ceiling};
    } else {
        fail(error, RLIMITD_DENIED_BY_KERNEL, "the kernel refuses %s %s for %s (prlimit: %s)",
             rlimitd_resource_name(resource), limit_text(wanted, both), subject->name,
             text_of_errno(number, text, sizeof text));
    }
    error->error_number = number;
    error->resource = resource;
    return -1;
}

// The number may have been given to another process just before the call. What was raised there is left, since it does no harm, and
// what was lowered is raised again as far as that goes.
static void give_back(pid_t pid, int resource, struct rlimitd_limit old) {
    struct rlimitd_limit now = {0, 0}, better, ignored;
    if (kernel_prlimit(pid, resource, NULL, &now) != 0) return;
    better.soft = now.soft > old.soft ? now.soft : old.soft;
    better.hard = now.hard > old.hard ? now.hard : old.hard;
    if (better.soft != now.soft || better.hard != now.hard) kernel_prlimit(pid, resource, &better, &ignored);
}

int exchange_limit(const struct subject *subject, int resource, struct rlimitd_limit wanted, struct rlimitd_limit *old,
                   struct rlimitd_error *error) {
    pid_t pid = kernel_number(subject);
    if (pid < 0) return fail_without_number(subject, error);
    int number = kernel_prlimit(pid, resource, &wanted, old);
    if (number < 0) return fail_setting(subject, resource, wanted, -number, error);
    if (require_alive(subject, error) == 0) return 0;
    give_back(pid, resource, *old);
    return -1;
}

int read_if_owned(const struct subject *subject, uint32_t resources, struct rlimitd_limits *limits,
                  struct rlimitd_error *error) {
    *limits = (struct rlimitd_limits){0};
    for (int resource = 0; resource < RLIMITD_RESOURCES; resource++) {
        if ((resources >> resource & 1) == 0) continue;
        if (read_limit(subject, resource, &limits->of[resource], error) != 0) {
            return error->code == RLIMITD_DENIED_BY_KERNEL ? 0 : -1;
        }
        limits->known |= 1u << resource;
    }
    return 1;
}

// A name in a column of 26, then soft and hard. Whatever is not understood is left out.
static bool take_limit_line(void *into, struct proc_line line) {
    static const struct {
        int resource;
        const char *label;
    } labels[] = {
        {RLIMIT_CPU, "Max cpu time "}, {RLIMIT_FSIZE, "Max file size "}, {RLIMIT_DATA, "Max data size "},
        {RLIMIT_STACK, "Max stack size "}, {RLIMIT_CORE, "Max core file size "}, {RLIMIT_RSS, "Max resident set "},
        {RLIMIT_NPROC, "Max processes "}, {RLIMIT_NOFILE, "Max open files "}, {RLIMIT_MEMLOCK, "Max locked memory "},
        {RLIMIT_AS, "Max address space "}, {RLIMIT_LOCKS, "Max file locks "},
        {RLIMIT_SIGPENDING, "Max pending signals "}, {RLIMIT_MSGQUEUE, "Max msgqueue size "},
        {RLIMIT_NICE, "Max nice priority "}, {RLIMIT_RTPRIO, "Max realtime priority "},
        {RLIMIT_RTTIME, "Max realtime timeout "},
    };
    struct rlimitd_limits *limits = into;
    if (line.length <= 26) return true;
    for (size_t place = 0; place < sizeof labels / sizeof *labels; place++) {
        if (!starts_with(line.text, labels[place].label)) continue;
        const char *text = line.text + 26;
        uint64_t bounds[2];
        for (int half = 0; half < 2; half++) {
            if (proc_number(&text, &bounds[half])) continue;
            while (*text == ' ') text++;
            if (!starts_with(text, "unlimited")) return true;
            text += strlen("unlimited");
            bounds[half] = RLIMITD_INFINITY;
        }
        limits->of[labels[place].resource] = (struct rlimitd_limit){bounds[0], bounds[1]};
        limits->known |= 1u << labels[place].resource;
    }
    return true;
}

int read_shown(const struct subject *subject, uint32_t resources, struct rlimitd_limits *limits,
               struct rlimitd_error *error) {
    int owned = read_if_owned(subject, resources, limits, error);
    if (owned != 0) return owned;
    *limits = (struct rlimitd_limits){0};
    pid_t pid = kernel_number(subject);
    if (pid < 0) return 0;
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/limits", (int)(pid == 0 ? getpid() : pid));
    proc_lines(path, take_limit_line, limits);
    if (require_alive(subject, error) != 0) return -1;
    bool is_all = (limits->known & resources) == resources;
    limits->known &= resources;
    return is_all;
}
