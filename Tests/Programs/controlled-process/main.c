// A controlled process, with the ids that a test chose. It performs the commands of CTestCommand.h that it receives on
// descriptor 3, until that is closed. The test starts one as root, which forks the others.
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "CTestCommand.h"

enum { SOCKET = 3 };

static void send_report(struct tk_command_result *report, int descriptor) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {{0}};
    struct iovec vector = {.iov_base = report, .iov_len = sizeof(*report)};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (descriptor >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(int));
    }
    report->pid = report->pid != 0 ? report->pid : getpid();
    getresuid(&report->uids[0], &report->uids[1], &report->uids[2]);
    if (sendmsg(SOCKET, &message, MSG_NOSIGNAL) < 0) _exit(1);
    if (descriptor >= 0) close(descriptor);
}

static int set_ids(const struct tk_command *command) {
    if (setresgid(command->gids[0], command->gids[1], command->gids[2]) != 0) return -errno;
    if (setresuid(command->uids[0], command->uids[1], command->uids[2]) != 0) return -errno;
    return 0;
}

static int drop_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    return syscall(SYS_capset, &header, none) == 0 ? 0 : -errno;
}

static int set_groups(const struct tk_command *command) {
    gid_t *groups = calloc(command->group_count + 1, sizeof(gid_t));
    for (uint32_t index = 0; index < command->group_count; index++) groups[index] = command->first_group + index;
    int result = setgroups(command->group_count, groups) == 0 ? 0 : -errno;
    free(groups);
    return result;
}

static int fork_process(const struct tk_command *command, struct tk_command_result *report, int *descriptor) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return -errno;
    pid_t numbers[1] = {command->pid};
    struct clone_args arguments = {.exit_signal = SIGCHLD};
    if (command->pid != 0) {
        arguments.set_tid = (uint64_t)(uintptr_t)numbers;
        arguments.set_tid_size = 1;
    }
    long child = syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (child < 0) {
        int error = -errno;
        close(ends[0]);
        close(ends[1]);
        return error;
    }
    if (child == 0) {
        dup2(ends[1], SOCKET);
        close(ends[0]);
        close(ends[1]);
        struct tk_command_result first = {0};
        first.result = set_groups(command);
        if (first.result == 0) first.result = set_ids(command);
        if (first.result == 0 && !command->keeps_capabilities) first.result = drop_capabilities();
        send_report(&first, -1);
        return 1;
    }
    close(ends[1]);
    report->pid = (int32_t)child;
    *descriptor = ends[0];
    return 0;
}

static int connect_to(const struct tk_command *command) {
    struct sockaddr_un address = {.sun_family = AF_UNIX}, name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    memcpy(name.sun_path, command->bytes, command->byte_count);
    memcpy(address.sun_path, command->path, sizeof(address.sun_path));
    socklen_t name_length = (socklen_t)offsetof(struct sockaddr_un, sun_path) + command->byte_count;
    if ((command->byte_count > 0 && bind(fd, (struct sockaddr *)&name, name_length) != 0) ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

static int connect_briefly(const struct tk_command *command) {
    struct tk_command unbound = *command;
    unbound.byte_count = 0;
    int sent = 0;
    for (uint32_t index = 0; index < command->count; index++) {
        pid_t child = fork();
        if (child < 0) return -errno;
        if (child == 0) {
            int fd = connect_to(&unbound);
            _exit(fd >= 0 && send(fd, command->bytes, command->byte_count, MSG_NOSIGNAL) == command->byte_count ? 0 : 1);
        }
        int status = -1;
        if (waitpid(child, &status, 0) == child && status == 0) sent++;
    }
    return sent;
}

static void *wait_forever(void *number) {
    *(volatile int32_t *)number = (int32_t)syscall(SYS_gettid);
    for (;;) pause();
}

static int32_t start_thread(void) {
    static volatile int32_t number;
    pthread_t thread;
    number = 0;
    if (pthread_create(&thread, NULL, wait_forever, (void *)&number) != 0) return -EAGAIN;
    while (number == 0) usleep(100);
    return number;
}

static int execute(const struct tk_command *command) {
    struct timespec start_time = {.tv_sec = command->start_time / 1000000000, .tv_nsec = command->start_time % 1000000000};
    char resource[12];
    snprintf(resource, sizeof(resource), "%u", command->resource);
    if (command->start_time != 0) clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &start_time, NULL);
    execl(command->path, "controlled-process", resource, (char *)NULL);
    return -errno;
}

static int kill_child(int32_t pid, int reap) {
    siginfo_t info;
    if (kill(pid, SIGKILL) != 0 && errno != ESRCH) return -errno;
    return waitid(P_PID, (id_t)pid, &info, WEXITED | (reap ? 0 : WNOWAIT)) == 0 ? 0 : -errno;
}

static void run_command(const struct tk_command *command) {
    struct tk_command_result report = {0};
    int descriptor = -1;
    uint64_t new_limit[2] = {command->soft, command->hard}, old_limit[2] = {0, 0};
    switch ((enum tk_command_kind)command->kind) {
        case TK_COMMAND_FORK:
            report.result = fork_process(command, &report, &descriptor);
            if (report.result == 1) return;
            break;
        case TK_COMMAND_PRLIMIT:
            report.result = (int32_t)syscall(SYS_prlimit64, command->pid, command->resource,
                                             command->has_new ? new_limit : NULL, old_limit);
            if (report.result != 0) report.result = -errno;
            report.soft = old_limit[0];
            report.hard = old_limit[1];
            break;
        case TK_COMMAND_CONNECT:
            report.result = descriptor = connect_to(command);
            break;
        case TK_COMMAND_CONNECT_BRIEFLY:
            report.result = connect_briefly(command);
            break;
        case TK_COMMAND_EXECUTE:
            report.result = execute(command);
            break;
        case TK_COMMAND_SET_IDS:
            report.result = set_ids(command);
            break;
        case TK_COMMAND_SET_GROUPS:
            report.result = set_groups(command);
            break;
        case TK_COMMAND_THREAD:
            report.result = start_thread();
            break;
        case TK_COMMAND_NAMESPACE:
            report.result = unshare(CLONE_NEWUSER) == 0 ? 0 : -errno;
            break;
        case TK_COMMAND_KILL:
            report.result = kill_child(command->pid, 0);
            break;
        case TK_COMMAND_REAP:
            report.result = kill_child(command->pid, 1);
            break;
        default:
            report.result = -ENOSYS;
    }
    send_report(&report, descriptor);
}

int main(int count, char **arguments) {
    if (count > 1) {
        // Executed by a controlled process: reports the limit at the start of the program.
        uint64_t limit[2] = {0, 0};
        syscall(SYS_prlimit64, 0, atoi(arguments[1]), NULL, limit);
        struct tk_command_result report = {.soft = limit[0], .hard = limit[1]};
        send_report(&report, -1);
    }
    struct tk_command command;
    for (;;) {
        ssize_t received = recv(SOCKET, &command, sizeof(command), 0);
        if (received < 0 && errno == EINTR) continue;
        if (received != sizeof(command)) _exit(received == 0 ? 0 : 1);
        run_command(&command);
    }
}
