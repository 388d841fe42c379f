#include "connection/agent_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "connection/connection_errors.h"
#include "connection/socket_trust.h"
#include "kernel/clock.h"

static int connect_socket(const struct rlimitd *agent, uint64_t deadline, struct rlimitd_error *error) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail_unreachable(agent, error, "socket", errno);
    // A program that has closed its standard streams must not write to the agent what it means for a stream.
    if (fd <= STDERR_FILENO) {
        int higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), number = errno;
        close(fd);
        if (higher < 0) return fail_unreachable(agent, error, "fcntl", number);
        fd = higher;
    }
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, agent->path, strlen(agent->path));
    while (true) {
        uint64_t left = time_until(deadline);
        if (left == 0) {
            close(fd);
            return fail_deadline(agent, error);
        }
        // SO_SNDTIMEO bounds the wait of connect(2) for a full backlog. A timeout of 0 would mean no bound.
        struct timeval time = {.tv_sec = (time_t)(left / 1000000000), .tv_usec = (suseconds_t)(left / 1000 % 1000000)};
        if (time.tv_sec == 0 && time.tv_usec == 0) time.tv_usec = 1;
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
        if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) return fd;
        if (errno == EINTR) continue;
        int number = errno == EAGAIN ? ETIMEDOUT : errno;
        close(fd);
        return fail_unreachable(agent, error, "connect", number);
    }
}

int connect_agent(struct rlimitd *agent, uint64_t deadline, struct rlimitd_error *error) {
    if (strlen(agent->path) >= sizeof ((struct sockaddr_un *)0)->sun_path) {
        return fail_unreachable(agent, error, "connect", ENAMETOOLONG);
    }
    int number;
    // A path that stat(2) does not find gives the error that connect(2) would give.
    if (require_trusted_socket(agent->path, &number, error) != 0) {
        return error->code != RLIMITD_OK ? -1 : fail_unreachable(agent, error, "connect", number);
    }
    int fd = connect_socket(agent, deadline, error);
    if (fd < 0) return -1;
    struct stat status;
    atomic_store(&agent->inode, fstat(fd, &status) == 0 ? status.st_ino : 0);
    atomic_store(&agent->fd, fd);
    agent->start = agent->end = 0;
    return 0;
}
