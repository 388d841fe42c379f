// A connection to the agent: struct rlimitd of rlimitd.h.
#ifndef RLIMITD_CONNECTION_H
#define RLIMITD_CONNECTION_H

#include <stdatomic.h>

#include "connection/agent_request.h"
#include "connection/buffer.h"
#include "kernel/lock.h"
#include "rlimitd.h"
#include "wire/protocol.h"

#define INITIAL_INPUT_SIZE 4096
#define INITIAL_ARENA_SIZE 16384

struct rlimitd {
    _Atomic uint32_t timeout_ms;
    _Atomic uint32_t flags;
    bool is_default_path;  // messages then name the systemd unit
    char path[MAX_PATH_LENGTH + 1];
    // The process that owns the members below. A child must touch neither the lock, which a thread of the parent may
    // hold, nor the connection.
    _Atomic pid_t owner;
    struct lock lock;
    // Set before the descriptor is used and cleared before it is closed, so that a child can close its copy.
    _Atomic int fd;
    _Atomic uint64_t inode;
    // The lock guards the members below.
    uint64_t last_id;
    uint32_t naming;    // how requests name other processes: bits of process_naming.h
    size_t start, end;  // the unread bytes of `input`
    struct buffer input;
    struct buffer arena;
    size_t arena_used;
    unsigned char first_input[INITIAL_INPUT_SIZE];
    _Alignas(max_align_t) unsigned char first_arena[INITIAL_ARENA_SIZE];
};

struct rlimitd *open_agent(const struct rlimitd_options *options, struct rlimitd_error *error);
// Sends a request and waits for the response. Connects first if there is no connection.
int call_agent(struct rlimitd *agent, struct agent_request *agent_request, uint64_t deadline,
               struct rlimitd_error *error);
void disconnect(struct rlimitd *agent);
// Keeps the connection open in the program that this process executes with execve(2).
int keep_connection_across_exec(struct rlimitd *agent, struct rlimitd_error *error);

#endif
