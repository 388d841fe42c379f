#define _GNU_SOURCE
#include "CTestKernel.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int tk_set_uids(uint32_t real, uint32_t effective, uint32_t saved) {
    return setresuid(real, effective, saved) == 0 ? 0 : -errno;
}

int tk_set_effective_uid_of_thread(uint32_t uid) {
    return syscall(SYS_setresuid, -1, uid, -1) == 0 ? 0 : -errno;
}

int tk_set_gids(uint32_t real, uint32_t effective, uint32_t saved) {
    return setresgid(real, effective, saved) == 0 ? 0 : -errno;
}

static int set_many_groups(uint32_t count, int of_thread) {
    gid_t *groups = calloc(count + 1, sizeof(gid_t));
    if (groups == NULL) return -ENOMEM;
    for (uint32_t index = 0; index < count; index++) groups[index] = 100000 + index;
    long result = of_thread ? syscall(SYS_setgroups, count, groups) : setgroups(count, groups);
    int error = result == 0 ? 0 : -errno;
    free(groups);
    return error;
}

int tk_set_many_groups(uint32_t count) { return set_many_groups(count, 0); }
int tk_set_many_groups_of_thread(uint32_t count) { return set_many_groups(count, 1); }

int tk_set_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0) == 0 ? 0 : -errno; }

int tk_duplicate_to(int fd, int number) { return dup2(fd, number) >= 0 ? 0 : -errno; }

ssize_t tk_send_descriptors(int fd, const void *bytes, size_t count, const int *descriptors, size_t descriptor_count) {
    size_t size = descriptor_count * sizeof(int);
    struct cmsghdr *control = calloc(1, CMSG_SPACE(size));
    if (control == NULL) return -ENOMEM;
    struct iovec vector = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(size)};
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(control), descriptors, size);
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    int error = errno;
    free(control);
    return sent >= 0 ? sent : -error;
}

int tk_pidfd_of_thread(int32_t thread) {
    long result = syscall(SYS_pidfd_open, thread, O_EXCL);
    return result >= 0 ? (int)result : -errno;
}

int tk_pidfd_of_process(int32_t pid) {
    long result = syscall(SYS_pidfd_open, pid, 0);
    return result >= 0 ? (int)result : -errno;
}

ssize_t tk_send_credentials(int fd, const void *bytes, size_t count, int32_t pid, uint32_t uid, uint32_t gid) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(struct ucred))];
    } control = {{0}};
    struct ucred claim = {.pid = pid, .uid = uid, .gid = gid};
    struct iovec vector = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_CREDENTIALS;
    control.header.cmsg_len = CMSG_LEN(sizeof(claim));
    memcpy(CMSG_DATA(&control.header), &claim, sizeof(claim));
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    return sent >= 0 ? sent : -errno;
}

int tk_prlimit(int32_t pid, int resource, const uint64_t *new_limit, uint64_t *old_limit) {
    return syscall(SYS_prlimit64, pid, resource, new_limit, old_limit) == 0 ? 0 : -errno;
}

int32_t tk_fork_as(int32_t pid) {
    pid_t numbers[1] = {pid};
    struct clone_args arguments = {
        .exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)numbers, .set_tid_size = 1};
    long result = syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (result < 0) return -errno;
    if (result == 0) {
        // Only system calls are safe here: other threads of the parent can have held any lock.
        for (;;) syscall(SYS_pause);
    }
    return (int32_t)result;
}

int tk_socket_pair(int *ends) {
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0 ? 0 : -errno;
}

int tk_pipe(int *ends) { return pipe2(ends, O_CLOEXEC) == 0 ? 0 : -errno; }

int tk_event_descriptor(void) {
    int fd = eventfd(0, EFD_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

int tk_lingering_socket(int seconds, int *other_end) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    struct linger linger = {.l_onoff = 1, .l_linger = seconds};
    static const char bytes[65536];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || fd < 0 || bind(listener, (struct sockaddr *)&address, length) != 0 ||
        listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)&address, &length) != 0 ||
        connect(fd, (struct sockaddr *)&address, length) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) != 0)
        return -errno;
    *other_end = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    close(listener);
    while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
    return fd;
}

int tk_open_path_only(const char *path) {
    int fd = open(path, O_PATH | O_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

int tk_prlimit_number(uint64_t pid, int sets) {
    struct rlimit64 limit;
    if (getrlimit64(RLIMIT_NOFILE, &limit) != 0) return -errno;
    if (!sets) return syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, NULL, &limit) == 0 ? 0 : -errno;
    return syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, &limit, NULL) == 0 ? 0 : -errno;
}

int tk_set_own_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -errno;
    return syscall(SYS_setrlimit, RLIMIT_NOFILE, &limit) == 0 ? 0 : -errno;
}

int tk_socket(int domain) {
    int fd = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    close(fd);
    return 0;
}
