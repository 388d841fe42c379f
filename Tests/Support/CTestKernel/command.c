#define _GNU_SOURCE
#include "CTestCommand.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int tk_process_start(const char *program, int *socket, int32_t *pid) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return -errno;
    struct timeval timeout = {.tv_sec = 120};
    setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    pid_t child = vfork();
    if (child < 0) return -errno;
    if (child == 0) {
        if (ends[1] != 3) {
            dup2(ends[1], 3);
        } else {
            fcntl(3, F_SETFD, 0);
        }
        execl(program, "controlled-process", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    *socket = ends[0];
    *pid = child;
    return 0;
}

int tk_command_send(int socket, const struct tk_command *command) {
    return send(socket, command, sizeof(*command), MSG_NOSIGNAL) == sizeof(*command) ? 0 : -errno;
}

int tk_command_receive(int socket, struct tk_command_result *report, int *descriptor) {
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

int tk_command_run(int socket, const struct tk_command *command, struct tk_command_result *report, int *descriptor) {
    int sent = tk_command_send(socket, command);
    return sent != 0 ? sent : tk_command_receive(socket, report, descriptor);
}

int64_t tk_monotonic_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}
