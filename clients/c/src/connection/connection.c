#include "connection/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connection/agent_socket.h"
#include "connection/connection_errors.h"
#include "connection/exchange.h"
#include "connection/process_naming.h"
#include "kernel/clock.h"
#include "model/error.h"

#define DEFAULT_SOCKET_PATH "/run/rlimitd/rlimitd.sock"

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
        fail(error, RLIMITD_INVALID_ARGUMENT, "unknown options; clear struct rlimitd_options before you fill it in");
        return NULL;
    }
    const char *path = options->socket;
    // The environment of a setuid program is under the control of the user who started it.
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

struct rlimitd *rlimitd_open(const struct rlimitd_options *options, struct rlimitd_error *error) {
    struct rlimitd_error local_error;
    if (error == NULL) error = &local_error;
    struct rlimitd *agent = open_agent(options, error);
    if (agent == NULL) set_errno(-1, error);
    return agent;
}

void disconnect(struct rlimitd *agent) {
    int fd = atomic_exchange(&agent->fd, -1);
    if (fd >= 0) close(fd);
    agent->start = agent->end = 0;
    agent->naming = 0;
}

// In a child process: closes its copy of the parent's connection. The inode tells whether the descriptor is still that
// connection, because the child may have opened another file with the same number.
static void discard_inherited(struct rlimitd *agent) {
    int fd = atomic_exchange(&agent->fd, -1);
    struct stat status;
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_ino == atomic_load(&agent->inode)) close(fd);
    atomic_store(&agent->lock.state, 0);
    agent->start = agent->end = 0;
    agent->naming = 0;
    // A thread of the parent may have been replacing its mappings at the time of the fork, so they are not unmapped.
    agent->input = (struct buffer){agent->first_input, sizeof agent->first_input, false};
    agent->arena = (struct buffer){agent->first_arena, sizeof agent->first_arena, false};
}

// Makes this process the owner of the connection. False if the deadline passed first.
static bool claim_for_process(struct rlimitd *agent, uint64_t deadline) {
    pid_t self = getpid();
    while (true) {
        pid_t owner = atomic_load(&agent->owner);
        if (owner == self) return true;
        // A negative owner: another thread of this process is claiming the connection.
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

static int call_agent_locked(struct rlimitd *agent, struct agent_request *agent_request, uint64_t deadline,
                             struct rlimitd_error *error) {
    for (bool is_second = false;; is_second = true) {
        if (atomic_load(&agent->fd) < 0 && connect_agent(agent, deadline, error) != 0) return -1;
        bool is_about_process = agent_request->held != NULL;
        switch ((is_about_process ? exchange_about_process : exchange)(agent, agent_request, deadline, error)) {
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

int call_agent(struct rlimitd *agent, struct agent_request *agent_request, uint64_t deadline,
               struct rlimitd_error *error) {
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
