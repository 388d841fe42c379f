#define _GNU_SOURCE
#include "CPuppet.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int tk_puppet_start(const char *program, int *socket, int32_t *pid) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return -errno;
    struct timeval patience = {.tv_sec = 30};
    setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    pid_t child = vfork();
    if (child < 0) return -errno;
    if (child == 0) {
        if (ends[1] != 3) {
            dup2(ends[1], 3);
        } else {
            fcntl(3, F_SETFD, 0);
        }
        execl(program, "puppet", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    *socket = ends[0];
    *pid = child;
    return 0;
}

int tk_puppet_tell(int socket, const struct puppet_order *order) {
    return send(socket, order, sizeof(*order), MSG_NOSIGNAL) == sizeof(*order) ? 0 : -errno;
}

int tk_puppet_hear(int socket, struct puppet_report *report, int *descriptor) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec vector = {.iov_base = report, .iov_len = sizeof(*report)};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    *descriptor = -1;
    ssize_t count;
    do count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    if (count != sizeof(*report)) return -ECONNRESET;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_type == SCM_RIGHTS) memcpy(descriptor, CMSG_DATA(header), sizeof(int));
    return 0;
}

int tk_puppet_ask(int socket, const struct puppet_order *order, struct puppet_report *report, int *descriptor) {
    int told = tk_puppet_tell(socket, order);
    return told != 0 ? told : tk_puppet_hear(socket, report, descriptor);
}

int64_t tk_monotonic_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}
