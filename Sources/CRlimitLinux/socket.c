#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "CRlimitLinux.h"
#include "result.h"

// Missing in the headers of Debian 12.
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif
static_assert(SO_PASSPIDFD == 76 && SO_PEERPIDFD == 77 && SO_PASSRIGHTS == 83, "numbers of asm-generic/socket.h");
static_assert(RL_SOCKET_PATH_SIZE == sizeof(((struct sockaddr_un *)0)->sun_path), "sun_path");
static_assert(sizeof(struct rl_peer_credentials) == sizeof(struct ucred), "SO_PEERCRED");
static_assert(offsetof(struct ucred, pid) == 0 && offsetof(struct ucred, uid) == 4 && offsetof(struct ucred, gid) == 8,
              "SO_PEERCRED");
static_assert(sizeof(gid_t) == sizeof(uint32_t), "SO_PEERGROUPS");

int rl_poll(int fd, int events, int milliseconds, int *revents) {
    struct pollfd entry = {.fd = fd};
    if (events & RL_POLL_IN) entry.events |= POLLIN;
    if (events & RL_POLL_OUT) entry.events |= POLLOUT;
    int ready = poll(&entry, 1, milliseconds);
    if (ready < 0) return -errno;
    *revents = (entry.revents & POLLIN ? RL_POLL_IN : 0) | (entry.revents & POLLOUT ? RL_POLL_OUT : 0) |
                (entry.revents & (POLLERR | POLLNVAL) ? RL_POLL_ERROR : 0) |
                (entry.revents & POLLHUP ? RL_POLL_HANGUP : 0);
    return ready;
}

// Never 0, 1 or 2: a program that has closed its standard streams must not write to a socket what it means for a stream.
static int unix_socket(int type) {
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0 || fd > STDERR_FILENO) return RESULT(fd);
    int higher = RESULT(fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    close(fd);
    return higher;
}

int rl_stream_socket(void) { return unix_socket(SOCK_STREAM); }
int rl_datagram_socket(void) { return unix_socket(SOCK_DGRAM); }

// Fails with -ENAMETOOLONG instead of truncating. A path needs room for its NUL; an abstract name has none.
static int address(struct sockaddr_un *native, const void *path, size_t count) {
    int is_abstract = count > 0 && *(const char *)path == '\0';
    if (count == 0) return -EINVAL;
    if (count + !is_abstract > sizeof(native->sun_path)) return -ENAMETOOLONG;
    memset(native, 0, sizeof(*native));
    native->sun_family = AF_UNIX;
    memcpy(native->sun_path, path, count);
    return (int)(offsetof(struct sockaddr_un, sun_path) + count + !is_abstract);
}

int rl_connect(int fd, const void *path, size_t count) {
    struct sockaddr_un native;
    int length = address(&native, path, count);
    if (length < 0) return length;
    return RESULT(connect(fd, (const struct sockaddr *)&native, (socklen_t)length));
}

int rl_bind(int fd, const void *path, size_t count) {
    struct sockaddr_un native;
    int length = address(&native, path, count);
    if (length < 0) return length;
    return RESULT(bind(fd, (const struct sockaddr *)&native, (socklen_t)length));
}

int rl_listen(int fd, int backlog) { return RESULT(listen(fd, backlog)); }

// Without the address of the peer, which the peer chooses and which identifies no process.
int rl_accept(int fd) { return RESULT(accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)); }

int rl_set_send_timeout(int fd, int64_t nanoseconds) {
    struct timeval time = {.tv_sec = nanoseconds / 1000000000, .tv_usec = nanoseconds % 1000000000 / 1000};
    return RESULT(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)));
}

int rl_wait_readable(int fd, int64_t nanoseconds) {
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    struct timespec time = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
    return RESULT(ppoll(&entry, 1, nanoseconds < 0 ? NULL : &time, NULL));
}

int rl_shutdown(int fd) { return RESULT(shutdown(fd, SHUT_RDWR)); }

// Without a control buffer the kernel installs no descriptors that were sent with the bytes.
ssize_t rl_receive(int fd, void *bytes, size_t count) { return RESULT(recv(fd, bytes, count, MSG_DONTWAIT)); }

ssize_t rl_send(int fd, const void *bytes, size_t count) {
    return RESULT(send(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT));
}

ssize_t rl_send_descriptor(int fd, const void *bytes, size_t count, int descriptor) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec vector = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    return RESULT(sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
}

ssize_t rl_receive_descriptors(int fd, void *bytes, size_t count, int *descriptors, struct rl_received *received) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(RL_MAX_DESCRIPTOR_COUNT * sizeof(int))];
    } control;
    struct iovec vector = {.iov_base = bytes, .iov_len = count};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    received->count = 0;
    received->has_other = 0;
    ssize_t length = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    if (length < 0) return -errno;
    received->is_truncated = (message.msg_flags & MSG_CTRUNC) != 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        size_t size = header->cmsg_len - CMSG_LEN(0);
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS && received->count == 0 &&
            size <= RL_MAX_DESCRIPTOR_COUNT * sizeof(int)) {
            memcpy(descriptors, CMSG_DATA(header), size);
            received->count = (int)(size / sizeof(int));
        } else {
            received->has_other = 1;
        }
    }
    return length;
}

// Without a control buffer the kernel sets MSG_CTRUNC if there is any ancillary data.
ssize_t rl_peek(int fd, void *bytes, size_t count, int *has_ancillary) {
    struct iovec vector = {.iov_base = bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    ssize_t length = recvmsg(fd, &message, MSG_PEEK);
    if (length < 0) return -errno;
    *has_ancillary = (message.msg_flags & MSG_CTRUNC) != 0;
    return length;
}

int rl_queued(int fd) {
    int count = 0;
    return ioctl(fd, SIOCINQ, &count) == 0 ? count : -errno;
}

int rl_unread(int fd) {
    int count = 0;
    return ioctl(fd, SIOCOUTQ, &count) == 0 ? count : -errno;
}

static const int option_numbers[] = {
    [RL_SOCKET_IS_LISTENING] = SO_ACCEPTCONN, [RL_SOCKET_DOMAIN] = SO_DOMAIN,
    [RL_SOCKET_TYPE] = SO_TYPE,               [RL_SOCKET_PASS_CREDENTIALS] = SO_PASSCRED,
    [RL_SOCKET_PASS_SECURITY] = SO_PASSSEC,   [RL_SOCKET_PASS_PIDFD] = SO_PASSPIDFD,
    [RL_SOCKET_PASS_RIGHTS] = SO_PASSRIGHTS,  [RL_SOCKET_SEND_BUFFER] = SO_SNDBUF,
};

int rl_socket_option(int fd, enum rl_socket_option option, int *value) {
    socklen_t length = sizeof(*value);
    return RESULT(getsockopt(fd, SOL_SOCKET, option_numbers[option], value, &length));
}

int rl_set_socket_option(int fd, enum rl_socket_option option, int value) {
    return RESULT(setsockopt(fd, SOL_SOCKET, option_numbers[option], &value, sizeof(value)));
}

int rl_domain_unix(void) { return AF_UNIX; }
int rl_type_stream(void) { return SOCK_STREAM; }

int rl_peer_credentials(int fd, struct rl_peer_credentials *credentials, uint32_t *length) {
    return RESULT(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length));
}

int rl_peer_groups(int fd, uint32_t *groups, uint32_t *length) {
    return RESULT(getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, length));
}

int rl_peer_security(int fd, char *label, uint32_t *length) {
    return RESULT(getsockopt(fd, SOL_SOCKET, SO_PEERSEC, label, length));
}

int rl_peer_pidfd(int fd, int *pidfd, uint32_t *length) {
    return RESULT(getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, pidfd, length));
}
