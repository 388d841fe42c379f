#include "kernel/process_limits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/procfs.h"
#include "model/error.h"
#include "model/limit.h"

// The struct rlimit64 of the kernel's prlimit64(2), which is the same on every architecture.
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

// The pid for prlimit(2): 0 for this process, -1 if the target has no number here.
static pid_t kernel_pid(const struct resolved_target *resolved) {
    if (resolved->kind == TARGET_SELF) return 0;
    return resolved->pid > 0 && resolved->kind != TARGET_PROCESSES ? resolved->pid : -1;
}

static int fail_without_pid(const struct resolved_target *resolved, struct rlimitd_error *error) {
    return fail_with_errno(error, EPERM, "no number in this PID namespace", resolved->name, -1);
}

int read_limit(const struct resolved_target *resolved, int resource, struct rlimitd_limit *limit,
               struct rlimitd_error *error) {
    pid_t pid = kernel_pid(resolved);
    if (pid < 0) return fail_without_pid(resolved, error);
    int number = kernel_prlimit(pid, resource, NULL, limit);
    if (number == -ESRCH) return fail_no_such_process(error, resolved->name);
    if (number < 0) return fail_with_errno(error, -number, "prlimit", resolved->name, -1);
    return require_alive(resolved, error);
}

static int fail_set_limit(const struct resolved_target *resolved, int resource, struct rlimitd_limit wanted, int number,
                          struct rlimitd_error *error) {
    if (number == ESRCH) return fail_no_such_process(error, resolved->name);
    if (number != EPERM) return fail_with_errno(error, number, "prlimit", resolved->name, resource);
    char hard[LIMIT_TEXT_SIZE], both[LIMIT_TEXT_SIZE], text[64];
    uint64_t ceiling = resource == RLIMIT_NOFILE ? open_files_ceiling() : 0;
    // The kernel also answers EPERM to a hard RLIMIT_NOFILE above fs.nr_open.
    if (ceiling > 0 && wanted.hard > ceiling) {
        fail(error, RLIMITD_ABOVE_SYSTEM_CEILING, "nofile %s is above fs.nr_open, which is %llu",
             format_bound(wanted.hard, hard), (unsigned long long)ceiling);
        error->has_allowed = true;
        error->allowed = (struct rlimitd_limit){ceiling, ceiling};
    } else {
        fail(error, RLIMITD_DENIED_BY_KERNEL, "the kernel refuses %s %s for %s (prlimit: %s)",
             rlimitd_resource_name(resource), format_limit(wanted, both), resolved->name,
             errno_description(number, text, sizeof text));
    }
    error->error_number = number;
    error->resource = resource;
    return -1;
}

// The target ended and another process got its pid just before prlimit(2). Raises what that call lowered, as far as the
// kernel permits. Limits that it raised stay, because they do no harm.
static void restore_limit(pid_t pid, int resource, struct rlimitd_limit old) {
    struct rlimitd_limit now = {0, 0}, restored, ignored;
    if (kernel_prlimit(pid, resource, NULL, &now) != 0) return;
    restored.soft = now.soft > old.soft ? now.soft : old.soft;
    restored.hard = now.hard > old.hard ? now.hard : old.hard;
    if (restored.soft != now.soft || restored.hard != now.hard) kernel_prlimit(pid, resource, &restored, &ignored);
}

int exchange_limit(const struct resolved_target *resolved, int resource, struct rlimitd_limit wanted,
                   struct rlimitd_limit *old, struct rlimitd_error *error) {
    pid_t pid = kernel_pid(resolved);
    if (pid < 0) return fail_without_pid(resolved, error);
    int number = kernel_prlimit(pid, resource, &wanted, old);
    if (number < 0) return fail_set_limit(resolved, resource, wanted, -number, error);
    if (require_alive(resolved, error) == 0) return 0;
    restore_limit(pid, resource, *old);
    return -1;
}

int read_if_permitted(const struct resolved_target *resolved, uint32_t resources, struct rlimitd_limits *limits,
                      struct rlimitd_error *error) {
    *limits = (struct rlimitd_limits){0};
    for (int resource = 0; resource < RLIMITD_RESOURCES; resource++) {
        if ((resources >> resource & 1) == 0) continue;
        if (read_limit(resolved, resource, &limits->of[resource], error) != 0) {
            return error->code == RLIMITD_DENIED_BY_KERNEL ? 0 : -1;
        }
        limits->known |= 1u << resource;
    }
    return 1;
}

// A line has a name in 26 columns, then soft and hard. Lines of another form are ignored.
static bool parse_limit_line(void *context, struct proc_line line) {
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
    struct rlimitd_limits *limits = context;
    if (line.length <= 26) return true;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        if (!starts_with(line.text, labels[i].label)) continue;
        const char *text = line.text + 26;
        uint64_t bounds[2];
        for (int half = 0; half < 2; half++) {
            if (parse_proc_number(&text, &bounds[half])) continue;
            while (*text == ' ') text++;
            if (!starts_with(text, "unlimited")) return true;
            text += strlen("unlimited");
            bounds[half] = RLIMITD_INFINITY;
        }
        limits->of[labels[i].resource] = (struct rlimitd_limit){bounds[0], bounds[1]};
        limits->known |= 1u << labels[i].resource;
    }
    return true;
}

int read_visible_limits(const struct resolved_target *resolved, uint32_t resources, struct rlimitd_limits *limits,
                        struct rlimitd_error *error) {
    int permitted = read_if_permitted(resolved, resources, limits, error);
    if (permitted != 0) return permitted;
    *limits = (struct rlimitd_limits){0};
    pid_t pid = kernel_pid(resolved);
    if (pid < 0) return 0;
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/limits", (int)(pid == 0 ? getpid() : pid));
    read_proc_lines(path, parse_limit_line, limits);
    if (require_alive(resolved, error) != 0) return -1;
    bool is_all = (limits->known & resources) == resources;
    limits->known &= resources;
    return is_all;
}
