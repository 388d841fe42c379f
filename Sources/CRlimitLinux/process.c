#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "CRlimitLinux.h"
#include "result.h"

// `Resource` in RlimitModel has the order of these numbers.
static_assert(RLIMIT_CPU == 0 && RLIMIT_FSIZE == 1 && RLIMIT_DATA == 2 && RLIMIT_STACK == 3, "resources");
static_assert(RLIMIT_CORE == 4 && RLIMIT_RSS == 5 && RLIMIT_NPROC == 6 && RLIMIT_NOFILE == 7, "resources");
static_assert(RLIMIT_MEMLOCK == 8 && RLIMIT_AS == 9 && RLIMIT_LOCKS == 10 && RLIMIT_SIGPENDING == 11, "resources");
static_assert(RLIMIT_MSGQUEUE == 12 && RLIMIT_NICE == 13 && RLIMIT_RTPRIO == 14 && RLIMIT_RTTIME == 15, "resources");
static_assert(sizeof(struct rlimit64) == 2 * sizeof(uint64_t), "prlimit64");
static_assert(offsetof(struct rlimit64, rlim_cur) == 0 && RLIM64_INFINITY == UINT64_MAX, "prlimit64");
static_assert(RL_PIDFD_THREAD_FLAG == O_EXCL, "PIDFD_THREAD");

// Since Linux 6.13; missing in the headers of Debian 12. The number contains the size.
#define RL_PIDFD_GET_INFO _IOWR(0xFF, 11, struct rl_pidfd_info)
static_assert(sizeof(struct rl_pidfd_info) == 64, "PIDFD_INFO_SIZE_VER0");
static_assert(offsetof(struct rl_pidfd_info, ruid) == 28 && offsetof(struct rl_pidfd_info, exit_code) == 60,
              "struct pidfd_info");

int rl_pidfd_open(int32_t pid, uint32_t flags) { return (int)RESULT(syscall(SYS_pidfd_open, pid, flags)); }

int rl_pidfd_info(int pidfd, struct rl_pidfd_info *info) { return RESULT(ioctl(pidfd, RL_PIDFD_GET_INFO, info)); }

// PID_FS_MAGIC of <linux/magic.h>, missing in Debian 12. Before Linux 6.9 all pidfds share one inode.
int rl_pidfd_is_unique(int pidfd) {
    struct statfs native;
    if (fstatfs(pidfd, &native) != 0) return -errno;
    return native.f_type == 0x50494446;
}

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

int rl_pidfd_wait(int pidfd) {
    siginfo_t ignored;
    return RESULT(waitid((idtype_t)P_PIDFD, (id_t)pidfd, &ignored, WEXITED | WNOHANG | WNOWAIT));
}

int rl_prlimit(int32_t pid, int resource, const struct rl_limit *new_limit, struct rl_limit *old_limit) {
    return (int)RESULT(syscall(SYS_prlimit64, pid, resource, new_limit, old_limit));
}

int rl_usage(enum rl_usage_who who, struct rl_usage *usage) {
    struct rusage native;
    int number = who == RL_USAGE_PROCESS ? RUSAGE_SELF : who == RL_USAGE_CHILDREN ? RUSAGE_CHILDREN : RUSAGE_THREAD;
    if (getrusage(number, &native) != 0) return -errno;
    usage->user_seconds = native.ru_utime.tv_sec;
    usage->user_microseconds = native.ru_utime.tv_usec;
    usage->system_seconds = native.ru_stime.tv_sec;
    usage->system_microseconds = native.ru_stime.tv_usec;
    usage->max_resident_kibibytes = native.ru_maxrss;
    usage->minor_faults = native.ru_minflt;
    usage->major_faults = native.ru_majflt;
    usage->block_inputs = native.ru_inblock;
    usage->block_outputs = native.ru_oublock;
    usage->voluntary_switches = native.ru_nvcsw;
    usage->involuntary_switches = native.ru_nivcsw;
    return 0;
}

int64_t rl_page_size(void) { return sysconf(_SC_PAGESIZE); }
int64_t rl_clock_ticks(void) { return sysconf(_SC_CLK_TCK); }
const char *rl_secure_environment(const char *name) { return secure_getenv(name); }
int32_t rl_process_id(void) { return getpid(); }

int32_t *rl_wiped_on_fork(void) {
    void *page = mmap(NULL, sizeof(int32_t), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return NULL;
    if (madvise(page, sizeof(int32_t), MADV_WIPEONFORK) == 0) return page;
    munmap(page, sizeof(int32_t));
    return NULL;
}

int32_t rl_process_id_cached(int32_t *cache) {
    int32_t pid = __atomic_load_n(cache, __ATOMIC_RELAXED);
    if (pid == 0) __atomic_store_n(cache, pid = getpid(), __ATOMIC_RELAXED);
    return pid;
}

// struct sched_attr in its first published size (SCHED_ATTR_SIZE_VER0). The kernel header of Debian 12 conflicts with
// the C library's <sched.h>.
struct scheduling {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime;
    uint64_t deadline;
    uint64_t period;
};
static_assert(sizeof(struct scheduling) == 48, "SCHED_ATTR_SIZE_VER0");

int rl_time_slice(uint64_t *nanoseconds) {
    struct scheduling now = {.size = sizeof now};
    if (syscall(SYS_sched_getattr, 0, &now, sizeof now, 0) != 0) return -errno;
    *nanoseconds = now.runtime;
    return 0;
}

int rl_set_time_slice(uint64_t nanoseconds) {
    struct scheduling now = {.size = sizeof now};
    if (syscall(SYS_sched_getattr, 0, &now, sizeof now, 0) != 0) return -errno;
    // `runtime` is a time slice only with these two policies.
    if (now.policy != SCHED_OTHER && now.policy != SCHED_BATCH) return -EINVAL;
    now.size = sizeof now;
    now.flags |= 1;  // SCHED_FLAG_RESET_ON_FORK
    now.runtime = nanoseconds;
    return RESULT((int)syscall(SYS_sched_setattr, 0, &now, 0));
}

int rl_processor_count(void) { return (int)sysconf(_SC_NPROCESSORS_ONLN); }

int32_t rl_parent_id(void) { return getppid(); }
int32_t rl_thread_id(void) { return (int32_t)syscall(SYS_gettid); }
uint32_t rl_effective_uid(void) { return geteuid(); }
uint32_t rl_effective_gid(void) { return getegid(); }
int rl_execute(const char *file, char *const *arguments) { return RESULT(execvp(file, arguments)); }

int rl_set_no_new_privileges(void) { return RESULT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }
int rl_set_dumpable(int on) { return RESULT(prctl(PR_SET_DUMPABLE, on, 0, 0, 0)); }
int rl_set_name(const char *name) { return RESULT(prctl(PR_SET_NAME, name, 0, 0, 0)); }
int rl_clear_ambient(void) { return RESULT(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)); }

static uint32_t to_native(uint32_t interest) {
    return (interest & RL_EPOLL_IN ? EPOLLIN : 0) | (interest & RL_EPOLL_OUT ? EPOLLOUT : 0) |
           (interest & RL_EPOLL_READ_CLOSED ? EPOLLRDHUP : 0);
}

int rl_epoll_create(void) { return RESULT(epoll_create1(EPOLL_CLOEXEC)); }

int rl_epoll_add(int epoll, int fd, uint32_t interest, uint64_t token) {
    struct epoll_event event = {.events = to_native(interest), .data.u64 = token};
    return RESULT(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

int rl_epoll_change(int epoll, int fd, uint32_t interest, uint64_t token) {
    struct epoll_event event = {.events = to_native(interest), .data.u64 = token};
    return RESULT(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event));
}

int rl_epoll_remove(int epoll, int fd) { return RESULT(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL)); }
size_t rl_epoll_event_size(void) { return sizeof(struct epoll_event); }

int rl_epoll_wait(int epoll, void *events, int capacity, int milliseconds) {
    return RESULT(epoll_wait(epoll, events, capacity, milliseconds));
}

struct rl_event rl_epoll_event(const void *events, int index) {
    const struct epoll_event *native = (const struct epoll_event *)events + index;
    uint32_t revents = native->events;
    struct rl_event event = {
        .token = native->data.u64,
        .revents = (revents & EPOLLIN ? RL_EPOLL_IN : 0) | (revents & EPOLLOUT ? RL_EPOLL_OUT : 0) |
                    (revents & EPOLLHUP ? RL_EPOLL_HANGUP : 0) | (revents & EPOLLERR ? RL_EPOLL_ERROR : 0) |
                    (revents & EPOLLRDHUP ? RL_EPOLL_READ_CLOSED : 0),
    };
    return event;
}

static void collect(sigset_t *set, const int *signals, size_t count) {
    sigemptyset(set);
    for (size_t index = 0; index < count; index++) sigaddset(set, signals[index]);
}

int rl_timer_open(void) { return RESULT(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)); }

int rl_timer_set(int timer, uint64_t nanoseconds) {
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(nanoseconds / 1000000000), .tv_nsec = (long)(nanoseconds % 1000000000)}};
    return RESULT(timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL));
}

ssize_t rl_random(void *bytes, size_t count) { return RESULT(getrandom(bytes, count, 0)); }

int rl_signal_descriptor(const int *signals, size_t count) {
    sigset_t set;
    collect(&set, signals, count);
    return RESULT(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

int rl_signal_next(int fd) {
    struct signalfd_siginfo info;
    ssize_t length = read(fd, &info, sizeof(info));
    if (length < 0) return -errno;
    return length == sizeof(info) ? (int)info.ssi_signo : -EIO;
}

int rl_signal_block(const int *signals, size_t count, int block) {
    sigset_t set;
    collect(&set, signals, count);
    return -pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

int rl_signal_raise(int number) { return RESULT(kill(getpid(), number)); }
int rl_signal_ignore(int number) { return signal(number, SIG_IGN) == SIG_ERR ? -errno : 0; }

static void do_nothing(int number) { (void)number; }

int rl_interrupt_start(int64_t interval_nanoseconds, void **interrupter) {
    // A handler is needed, because an ignored signal interrupts no call. The default action of SIGURG is to ignore it.
    struct sigaction action = {.sa_handler = do_nothing, .sa_flags = SA_RESTART};
    if (sigaction(SIGURG, &action, NULL) != 0) return -errno;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGURG};
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) return -errno;
    struct timespec interval = {
        .tv_sec = interval_nanoseconds / 1000000000, .tv_nsec = interval_nanoseconds % 1000000000};
    struct itimerspec time = {.it_interval = interval, .it_value = interval};
    if (timer_settime(timer, 0, &time, NULL) != 0) return -errno;
    *interrupter = timer;
    static const int signals[] = {SIGURG};
    return rl_signal_block(signals, 1, 0);
}

void rl_interrupt_stop(void *interrupter) { timer_delete(interrupter); }

int64_t rl_clock(enum rl_clock clock) {
    struct timespec time;
    if (clock_gettime(clock == RL_CLOCK_BOOT ? CLOCK_BOOTTIME : CLOCK_MONOTONIC, &time) != 0) return -errno;
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int rl_wakeup_open(void) { return RESULT(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int rl_wakeup_signal(int wakeup) {
    uint64_t one = 1;
    return (int)RESULT(write(wakeup, &one, sizeof one));
}

int rl_wakeup_reset(int wakeup) {
    uint64_t count;
    return (int)RESULT(read(wakeup, &count, sizeof count));
}
