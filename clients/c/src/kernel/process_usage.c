#include "kernel/process_usage.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/procfs.h"
#include "model/error.h"

// The fields of getrusage(2) that Linux does not maintain: always 0.
#define UNMAINTAINED_FIELDS                                                                                     \
    (RLIMITD_SHARED_TEXT | RLIMITD_UNSHARED_DATA | RLIMITD_UNSHARED_STACK | RLIMITD_SWAPS | RLIMITD_MESSAGES_SENT | \
     RLIMITD_MESSAGES_RECEIVED | RLIMITD_SIGNALS_RECEIVED)
#define RUSAGE_FIELDS 0xffffu

static uint64_t positive(long number) { return number < 0 ? 0 : (uint64_t)number; }

static uint64_t microseconds(struct timeval time) { return positive(time.tv_sec) * 1000000 + positive(time.tv_usec); }

static int add_rusage(int who, struct rlimitd_usage *usage) {
    struct rusage native;
    if (getrusage(who, &native) != 0) return -errno;
    usage->known = RUSAGE_FIELDS;
    usage->user_time_us += microseconds(native.ru_utime);
    usage->system_time_us += microseconds(native.ru_stime);
    // Like the kernel's RUSAGE_BOTH: the sum of all values, but the maximum of the resident sizes.
    uint64_t resident = positive(native.ru_maxrss) << 10;
    if (resident > usage->max_resident_bytes) usage->max_resident_bytes = resident;
    usage->minor_faults += positive(native.ru_minflt);
    usage->major_faults += positive(native.ru_majflt);
    usage->block_inputs += positive(native.ru_inblock);
    usage->block_outputs += positive(native.ru_oublock);
    usage->voluntary_context_switches += positive(native.ru_nvcsw);
    usage->involuntary_context_switches += positive(native.ru_nivcsw);
    return 0;
}

// ---- /proc/PID/stat

struct stat_fields {
    uint64_t minor_faults, child_minor_faults, major_faults, child_major_faults;
    uint64_t user_time, system_time, child_user_time, child_system_time;  // in clock ticks
    int64_t nice;
    uint64_t realtime_priority;
};

static int read_stat(const char *path, struct stat_fields *fields) {
    char text[2048];
    ssize_t length = read_proc_file(path, text, sizeof text);
    if (length < 0) return (int)length;
    // The second field is a name that the process chooses, so the fields are counted from the last parenthesis.
    const char *position = strrchr(text, ')');
    if (position == NULL || position[1] == '\0' || position[2] == '\0') return -EBADMSG;
    position += 3;
    uint64_t values[37];
    for (int i = 0; i < 37; i++) {
        while (*position == ' ') position++;
        bool is_negative = *position == '-';
        if (is_negative) position++;
        if (!isdigit((unsigned char)*position) || !parse_proc_number(&position, &values[i])) return -EBADMSG;
        if (is_negative) values[i] = 0 - values[i];
    }
    *fields = (struct stat_fields){
        .minor_faults = values[6], .child_minor_faults = values[7], .major_faults = values[8],
        .child_major_faults = values[9], .user_time = values[10], .system_time = values[11],
        .child_user_time = values[12], .child_system_time = values[13], .nice = (int64_t)values[15],
        .realtime_priority = values[36],
    };
    return 0;
}

static uint64_t ticks_per_second(void) {
    long ticks = sysconf(_SC_CLK_TCK);
    return ticks > 0 ? (uint64_t)ticks : 100;
}

static uint64_t ticks_to_microseconds(uint64_t ticks) {
    uint64_t per_second = ticks_per_second();
    return ticks / per_second * 1000000 + ticks % per_second * (1000000000 / per_second) / 1000;
}

static void copy_stat(const struct stat_fields *stat, enum rlimitd_scope scope, struct rlimitd_usage *usage) {
    uint64_t own = scope == RLIMITD_OF_CHILDREN ? 0 : 1;
    uint64_t children = scope == RLIMITD_OF_CHILDREN || scope == RLIMITD_OF_BOTH ? 1 : 0;
    usage->known |= UNMAINTAINED_FIELDS | RLIMITD_USER_TIME | RLIMITD_SYSTEM_TIME | RLIMITD_MINOR_FAULTS |
                    RLIMITD_MAJOR_FAULTS;
    usage->user_time_us = ticks_to_microseconds(own * stat->user_time + children * stat->child_user_time);
    usage->system_time_us = ticks_to_microseconds(own * stat->system_time + children * stat->child_system_time);
    usage->minor_faults = own * stat->minor_faults + children * stat->child_minor_faults;
    usage->major_faults = own * stat->major_faults + children * stat->child_major_faults;
}

// ---- /proc/PID/status

struct status_fields {
    struct rlimitd_usage *in_use;  // NULL: not needed
    uint64_t peak_resident, voluntary, involuntary;
    bool has_peak_resident, has_voluntary, has_involuntary;
};

static void set_in_use(struct rlimitd_usage *usage, int resource, uint64_t amount) {
    usage->in_use[resource] = amount;
    usage->in_use_known |= 1u << resource;
}

static bool parse_status_line(void *context, struct proc_line line) {
    static const struct {
        const char *label;
        int resource;
    } sizes[] = {{"VmSize:", RLIMIT_AS},     {"VmRSS:", RLIMIT_RSS},  {"VmLck:", RLIMIT_MEMLOCK},
                 {"VmData:", RLIMIT_DATA}, {"VmStk:", RLIMIT_STACK}};
    struct status_fields *status = context;
    const char *colon = strchr(line.text, ':');
    if (colon == NULL) return true;
    const char *position = colon + 1;
    uint64_t number;
    if (!parse_proc_number(&position, &number)) return true;
    if (starts_with(line.text, "voluntary_ctxt_switches:")) {
        status->voluntary = number;
        status->has_voluntary = true;
    } else if (starts_with(line.text, "nonvoluntary_ctxt_switches:")) {
        status->involuntary = number;
        status->has_involuntary = true;
    } else if (starts_with(line.text, "SigQ:")) {
        if (status->in_use != NULL) set_in_use(status->in_use, RLIMIT_SIGPENDING, number);
    } else if (starts_with(line.text, "Vm") && number <= UINT64_MAX >> 10) {
        // "kB" in this file means 1024 bytes.
        if (starts_with(line.text, "VmHWM:")) {
            status->peak_resident = number << 10;
            status->has_peak_resident = true;
        }
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            if (status->in_use != NULL && starts_with(line.text, sizes[i].label)) {
                set_in_use(status->in_use, sizes[i].resource, number << 10);
            }
        }
    }
    return true;
}

static bool count_entry(void *context, const char *name) {
    (void)name;
    ++*(uint64_t *)context;
    return true;
}

static void count_open_files(pid_t pid, struct rlimitd_usage *usage) {
    char path[40];
    struct stat status;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    // Since Linux 6.2 the size of the folder is the number of open files, and every user can read it. Before, it is 0.
    if (stat(path, &status) == 0 && status.st_size > 0) {
        set_in_use(usage, RLIMIT_NOFILE, (uint64_t)status.st_size);
        return;
    }
    // Listing the folder needs ptrace access to the process.
    uint64_t count = 0;
    if (list_proc_entries(path, count_entry, &count) != 0) return;
    // The list of this process's own files includes the descriptor of the folder.
    set_in_use(usage, RLIMIT_NOFILE, pid == getpid() && count > 0 ? count - 1 : count);
}

static void fill_in_use(pid_t pid, const struct stat_fields *stat, struct rlimitd_usage *usage) {
    set_in_use(usage, RLIMIT_CPU, (stat->user_time + stat->system_time) / ticks_per_second());
    if (stat->nice <= 20) set_in_use(usage, RLIMIT_NICE, (uint64_t)(20 - stat->nice));
    set_in_use(usage, RLIMIT_RTPRIO, stat->realtime_priority);
    count_open_files(pid, usage);
}

// ---- Processes and threads

struct thread_walk {
    pid_t pid;
    struct rlimitd_usage *usage;
};

static bool add_thread_switches(void *context, const char *name) {
    struct thread_walk *walk = context;
    char path[64];
    struct status_fields status = {0};
    snprintf(path, sizeof path, "/proc/%d/task/%.16s/status", (int)walk->pid, name);
    // A thread that has just ended is missing from the sum, like all threads that ended before it.
    if (read_proc_lines(path, parse_status_line, &status) == 0) {
        walk->usage->voluntary_context_switches += status.voluntary;
        walk->usage->involuntary_context_switches += status.involuntary;
    }
    return true;
}

static int read_process_usage(pid_t pid, enum rlimitd_scope scope, struct rlimitd_usage *usage) {
    char path[40];
    struct stat_fields stat;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int number = read_stat(path, &stat);
    if (number < 0) return number;
    copy_stat(&stat, scope, usage);
    if (scope == RLIMITD_OF_CHILDREN) return 0;
    struct status_fields status = {.in_use = usage};
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    number = read_proc_lines(path, parse_status_line, &status);
    if (number < 0) return number;
    fill_in_use(pid, &stat, usage);
    // /proc does not show the maximum resident size and the switches of children, so the sums are unknown too.
    if (scope != RLIMITD_OF_PROCESS) return 0;
    if (status.has_peak_resident) {
        usage->known |= RLIMITD_MAX_RESIDENT;
        usage->max_resident_bytes = status.peak_resident;
    }
    struct thread_walk walk = {pid, usage};
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    number = list_proc_entries(path, add_thread_switches, &walk);
    if (number < 0) return number;
    usage->known |= RLIMITD_VOLUNTARY_SWITCHES | RLIMITD_INVOLUNTARY_SWITCHES;
    usage->partial = true;
    return 0;
}

static int read_thread_usage(pid_t pid, pid_t thread, struct rlimitd_usage *usage) {
    char path[64];
    struct stat_fields stat;
    struct status_fields status = {0};
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)pid, (int)thread);
    int number = read_stat(path, &stat);
    snprintf(path, sizeof path, "/proc/%d/task/%d/status", (int)pid, (int)thread);
    if (number == 0) number = read_proc_lines(path, parse_status_line, &status);
    if (number < 0) return number == -ENOENT ? -ESRCH : number;
    copy_stat(&stat, RLIMITD_OF_PROCESS, usage);
    usage->max_resident_bytes = status.peak_resident;
    usage->voluntary_context_switches = status.voluntary;
    usage->involuntary_context_switches = status.involuntary;
    if (status.has_peak_resident) usage->known |= RLIMITD_MAX_RESIDENT;
    if (status.has_voluntary) usage->known |= RLIMITD_VOLUNTARY_SWITCHES;
    if (status.has_involuntary) usage->known |= RLIMITD_INVOLUNTARY_SWITCHES;
    return 0;
}

static int read_own_usage(enum rlimitd_scope scope, struct rlimitd_usage *usage) {
    int number = 0;
    if (scope != RLIMITD_OF_CHILDREN) number = add_rusage(RUSAGE_SELF, usage);
    if (number == 0 && scope != RLIMITD_OF_PROCESS) number = add_rusage(RUSAGE_CHILDREN, usage);
    if (number != 0 || scope == RLIMITD_OF_CHILDREN) return number;
    // Without a mounted /proc the present use of the limits is unknown.
    char path[40];
    struct stat_fields stat;
    struct status_fields status = {.in_use = usage};
    snprintf(path, sizeof path, "/proc/%d/stat", (int)getpid());
    if (read_stat(path, &stat) != 0) return 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)getpid());
    if (read_proc_lines(path, parse_status_line, &status) == 0) fill_in_use(getpid(), &stat, usage);
    return 0;
}

int read_usage(const struct resolved_target *resolved, enum rlimitd_scope scope, pid_t thread,
               struct rlimitd_usage *usage, struct rlimitd_error *error) {
    *usage = (struct rlimitd_usage){0};
    pid_t pid = resolved->kind == TARGET_SELF ? getpid() : resolved->pid;
    int number;
    if (scope == RLIMITD_OF_THREAD) {
        if (resolved->kind == TARGET_SELF && thread == (pid_t)syscall(SYS_gettid)) {
            number = add_rusage(RUSAGE_THREAD, usage);
        } else {
            number = pid > 0 ? read_thread_usage(pid, thread, usage) : -EPERM;
        }
    } else if (resolved->kind == TARGET_SELF) {
        number = read_own_usage(scope, usage);
    } else {
        number = pid > 0 ? read_process_usage(pid, scope, usage) : -EPERM;
    }
    if (require_alive(resolved, error) != 0) return -1;
    switch (-number) {
    case 0:
        return 1;
    case EPERM:
    case EACCES:
    case ENOENT:
    case ENOTDIR:
        return 0;
    case ESRCH:
        return fail(error, RLIMITD_NO_SUCH_PROCESS, "%s has no such thread", resolved->name);
    default:
        return fail_with_errno(error, -number, "read", resolved->name, -1);
    }
}
