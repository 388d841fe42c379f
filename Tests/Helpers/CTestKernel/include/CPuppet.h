// What a test and its puppets say to each other. A puppet is a process with the ids that a test gave it, which does one thing
// for each order that comes over its socket, so that a thing costs a system call and not the start of a process.
#ifndef CPUPPET_H
#define CPUPPET_H

#include <stddef.h>
#include <stdint.h>

enum puppet_verb {
    PUPPET_FORK,     // another puppet, of these ids and, if `pid` is not 0, that number; its socket comes along
    PUPPET_PRLIMIT,  // prlimit(2) on `pid`
    PUPPET_CONNECT,  // to `path`, bound to `bytes` first if there are any; the descriptor comes along
    PUPPET_SWARM,    // `count` children that connect to `path`, send `bytes`, and are gone
    PUPPET_EXECUTE,  // `path` at `moment`, a copy of this program, which goes on with the same socket
    PUPPET_BECOME,   // these ids
    PUPPET_THREAD,   // starts one and tells its number
    PUPPET_NAMESPACE,  // moves to a user namespace of its own, without a map
    PUPPET_END,      // kills the child `pid`, and leaves it a zombie
    PUPPET_REAP,     // kills the child `pid`, and lets nothing of it be left
};

struct puppet_order {
    uint32_t verb;
    int32_t pid;
    uint32_t resource;
    uint32_t has_new;
    uint64_t soft, hard;
    uint32_t uids[3], gids[3];  // real, effective, saved
    uint32_t group_count, first_group;
    uint32_t keeps_capabilities;
    uint32_t count;
    int64_t moment;  // nanoseconds of CLOCK_MONOTONIC; 0 is at once
    uint32_t byte_count;
    uint8_t bytes[96];
    char path[108];
};

struct puppet_report {
    int32_t result;  // or -errno
    int32_t pid;
    uint64_t soft, hard;
    uint32_t uids[3];
};

// Starts the program, as the user that we are; `socket` becomes our end of its socket.
int tk_puppet_start(const char *program, int *socket, int32_t *pid);
// One order and its report. `descriptor` becomes what came along, or -1.
int tk_puppet_ask(int socket, const struct puppet_order *order, struct puppet_report *report, int *descriptor);
int tk_puppet_tell(int socket, const struct puppet_order *order);
int tk_puppet_hear(int socket, struct puppet_report *report, int *descriptor);
int64_t tk_monotonic_nanoseconds(void);

#endif
