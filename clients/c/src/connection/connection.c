#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_SOCKET_PATH "/run/rlimitd/rlimitd.sock"
#define MAX_ARENA_SIZE (8u << 20)

// ---- Errors of the way to the agent

int fail_deadline(const struct rlimitd *agent, struct rlimitd_error *error) {
    return fail(error, RLIMITD_DEADLINE_EXCEEDED, "no answer in time from the agent at %s", agent->path);
}

int fail_connection_lost(const struct rlimitd *agent, struct rlimitd_error *error, const char *call, int number) {
    char text[64];
    fail(error, RLIMITD_CONNECTION_LOST, "the connection to the agent at %s was lost: %s", agent->path, call);
    if (number != 0) append_message(error, ": %s", errno_description(number, text, sizeof text));
    return -1;
}

int fail_not_rlimitd(const struct rlimitd *agent, struct rlimitd_error *error, const char *reason) {
    return fail(error, RLIMITD_MALFORMED, "what answers at %s does not speak the rlimitd protocol: %s", agent->path, reason);
}

int fail_wrong_response(const struct rlimitd *agent, struct rlimitd_error *error) {
    return fail(error, RLIMITD_MALFORMED, "the agent at %s answered something else than it was asked", agent->path);
}

static int fail_unreachable(const struct rlimitd *agent, struct rlimitd_error *error, const char *call, int number) {
    if (number == ETIMEDOUT) return fail_deadline(agent, error);
    char text[64];
    fail(error, RLIMITD_AGENT_UNREACHABLE, "no agent answers at %s (%s: %s)", agent->path, call,
         errno_description(number, text, sizeof text));
    error->error_number = number;
    switch (number) {
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED:
        // The unit is about the standard socket; whoever listens at another is started in another way.
        if (agent->is_default_path) append_message(error, "; start it with: systemctl start rlimitd");
        break;
    case ENAMETOOLONG:
        append_message(error, "; a socket's path has at most 107 bytes");
        break;
    case EACCES:
        append_message(error, "; the socket or its folder does not let this user in");
        break;
    default:
        break;
    }
    return -1;
}

// It let us in twice and closed both times before it had read the request.
static int fail_disconnected_twice(const struct rlimitd *agent, struct rlimitd_error *error) {
    char reason[RLIMITD_MESSAGE_SIZE];
    int number = error->error_number;
    memcpy(reason, error->message, sizeof reason);
    fail(error, RLIMITD_AGENT_UNREACHABLE, "the agent at %s hangs up: %s", agent->path, reason);
    error->error_number = number;
    return -1;
}

// ---- Memory

unsigned char *map_memory(size_t size) {
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return bytes == MAP_FAILED ? NULL : bytes;
}

void replace_buffer(struct buffer *buffer, unsigned char *bytes, size_t size, bool is_mapped) {
    struct buffer old = *buffer;
    *buffer = (struct buffer){bytes, size, is_mapped};
    if (old.is_mapped) munmap(old.bytes, old.size);
}

static void *allocate_in_arena(void *data, size_t size) {
    struct rlimitd *agent = data;
    size_t needed = (size + 15) & ~(size_t)15;
    if (needed < size || needed > agent->arena.size - agent->arena_used) return NULL;
    void *bytes = agent->arena.bytes + agent->arena_used;
    agent->arena_used += needed;
    return bytes;
}

static void ignore_free(void *data, void *bytes) {
    (void)data;
    (void)bytes;
}

const Response *decode_response(struct rlimitd *agent, const unsigned char *bytes, size_t count,
                              struct rlimitd_error *error) {
    ProtobufCAllocator allocator = {.alloc = allocate_in_arena, .free = ignore_free, .allocator_data = agent};
    while (true) {
        agent->arena_used = 0;
        const Response *response = rlimitd__v1__response__unpack(&allocator, count, bytes);
        if (response != NULL) return response;
        size_t size = agent->arena.size * 8;
        if (size > MAX_ARENA_SIZE) {
            fail_not_rlimitd(agent, error, "a response that is larger than it may be");
            return NULL;
        }
        unsigned char *mapped = map_memory(size);
        if (mapped == NULL) {
            fail_out_of_memory(error);
            return NULL;
        }
        replace_buffer(&agent->arena, mapped, size, true);
    }
}

void release_buffers(struct rlimitd *agent) {
    agent->arena_used = 0;
    replace_buffer(&agent->arena, agent->first_arena, sizeof agent->first_arena, false);
    if (agent->start == agent->end) replace_buffer(&agent->input, agent->first_input, sizeof agent->first_input, false);
}

// ---- Opening and closing

int rlimitd_configure(struct rlimitd *agent, uint32_t timeout_ms, uint32_t flags) {
    if ((flags & ~RLIMITD_AGENT_ONLY) != 0) {
        errno = EINVAL;
        return -1;
    }
    atomic_store(&agent->timeout_ms, timeout_ms != 0 ? timeout_ms : 5000);
    atomic_store(&agent->flags, flags);
    return 0;
}

struct rlimitd *open_agent(const struct rlimitd_options *options, struct rlimitd_error *error) {
    static const struct rlimitd_options defaults;
    if (options == NULL) options = &defaults;
    bool is_known = (options->flags & ~RLIMITD_AGENT_ONLY) == 0;
    for (size_t i = 0; i < sizeof options->reserved / sizeof *options->reserved; i++) {
        if (options->reserved[i] != 0) is_known = false;
    }
    if (!is_known) {
        fail(error, RLIMITD_INVALID_ARGUMENT, "options that this library does not know; clear the struct first");
        return NULL;
    }
    const char *path = options->socket;
    // The environment of a program that has more rights than whoever started it is theirs.
    if (path == NULL) path = secure_getenv("RLIMITD_SOCKET");
    if (path == NULL || path[0] == '\0') path = DEFAULT_SOCKET_PATH;
    struct rlimitd *agent = (struct rlimitd *)(void *)map_memory(sizeof *agent);
    if (agent == NULL) {
        fail_out_of_memory(error);
        return NULL;
    }
    copy_truncated(agent->path, sizeof agent->path, path);
    agent->is_default_path = strcmp(path, DEFAULT_SOCKET_PATH) == 0;
    atomic_init(&agent->timeout_ms, options->timeout_ms != 0 ? options->timeout_ms : 5000);
    atomic_init(&agent->flags, options->flags);
    atomic_init(&agent->owner, getpid());
    atomic_init(&agent->fd, -1);
    agent->input = (struct buffer){agent->first_input, sizeof agent->first_input, false};
    agent->arena = (struct buffer){agent->first_arena, sizeof agent->first_arena, false};
    return agent;
}

void disconnect(struct rlimitd *agent) {
    int fd = atomic_exchange(&agent->fd, -1);
    if (fd >= 0) close(fd);
    agent->start = agent->end = 0;
}

// In a child: lets go of what it has of its parent's. The number may be that of another file by now.
static void discard_inherited(struct rlimitd *agent) {
    int fd = atomic_exchange(&agent->fd, -1);
    struct stat status;
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_ino == atomic_load(&agent->inode)) close(fd);
    atomic_store(&agent->lock.state, 0);
    agent->start = agent->end = 0;
    // What the parent had mapped may have been about to change; it stays as it is.
    agent->input = (struct buffer){agent->first_input, sizeof agent->first_input, false};
    agent->arena = (struct buffer){agent->first_arena, sizeof agent->first_arena, false};
}

// Makes sure that it is this process's. False where that took longer than there is time.
static bool claim_for_process(struct rlimitd *agent, uint64_t deadline) {
    pid_t self = getpid();
    while (true) {
        pid_t owner = atomic_load(&agent->owner);
        if (owner == self) return true;
        // Below zero: another thread of this process is about it.
        if (owner != -self && atomic_compare_exchange_strong(&agent->owner, &owner, -self)) {
            discard_inherited(agent);
            atomic_store(&agent->owner, self);
            return true;
        }
        if (time_until(deadline) == 0) return false;
        sched_yield();
    }
}

void rlimitd_close(struct rlimitd *agent) {
    if (agent == NULL) return;
    int number = errno;
    if (atomic_load(&agent->owner) == getpid()) {
        disconnect(agent);
        if (agent->input.is_mapped) munmap(agent->input.bytes, agent->input.size);
        if (agent->arena.is_mapped) munmap(agent->arena.bytes, agent->arena.size);
    } else {
        discard_inherited(agent);
    }
    munmap(agent, sizeof *agent);
    errno = number;
}

static int connect_socket(const struct rlimitd *agent, uint64_t deadline, struct rlimitd_error *error) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail_unreachable(agent, error, "socket", errno);
    // In a program that has closed its standard streams: what is written there is not meant for the agent.
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
        // How long connect(2) waits where there is a queue before the agent's door. None at all would be for ever.
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

static int connect_agent(struct rlimitd *agent, uint64_t deadline, struct rlimitd_error *error) {
    if (strlen(agent->path) >= sizeof ((struct sockaddr_un *)0)->sun_path) {
        return fail_unreachable(agent, error, "connect", ENAMETOOLONG);
    }
    int number;
    // What stat(2) did not find, connect(2) would not have found either.
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

// ---- Asking

static int call_agent_locked(struct rlimitd *agent, struct agent_request *agent_request, uint64_t deadline, struct rlimitd_error *error) {
    for (bool is_second = false;; is_second = true) {
        if (atomic_load(&agent->fd) < 0 && connect_agent(agent, deadline, error) != 0) return -1;
        switch (exchange(agent, agent_request, deadline, error)) {
        case EXCHANGE_DONE:
            return 0;
        case EXCHANGE_FAILED:
            return -1;
        case EXCHANGE_NOT_SENT:
            if (is_second) return fail_disconnected_twice(agent, error);
            break;
        case EXCHANGE_NOT_ANSWERED:
            if (is_second || !agent_request->only_reads) return -1;
            break;
        }
    }
}

int call_agent(struct rlimitd *agent, struct agent_request *agent_request, uint64_t deadline, struct rlimitd_error *error) {
    if (!claim_for_process(agent, deadline) || !lock_until(&agent->lock, deadline)) return fail_deadline(agent, error);
    int value = call_agent_locked(agent, agent_request, deadline, error);
    unlock(&agent->lock);
    return value;
}

int keep_connection_across_exec(struct rlimitd *agent, struct rlimitd_error *error) {
    int fd = atomic_load(&agent->fd);
    if (fd < 0) return fail_connection_lost(agent, error, "it was closed", 0);
    if (fcntl(fd, F_DUPFD, 64) >= 0 || fcntl(fd, F_DUPFD, 3) >= 0) return 0;
    char text[64];
    int number = errno;
    fail(error, RLIMITD_INTERNAL, "the connection to the agent cannot be left open: fcntl: %s",
         errno_description(number, text, sizeof text));
    error->error_number = number;
    return -1;
}
