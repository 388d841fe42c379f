// What a test and its puppets say to each other. A puppet is a process with the ids that a test gave it, which does one thing
// for each order that comes over its socket, so that a thing costs a system call and not the start of a process.
#ifndef CTESTCOMMAND_H
#define CTESTCOMMAND_H

#include <stddef.h>
#include <stdint.h>

enum tk_command_kind {
    TK_COMMAND_FORK,     // another puppet, of these ids and, if `pid` is not 0, that number; its socket comes along
    TK_COMMAND_PRLIMIT,  // prlimit(2) on `pid`
    TK_COMMAND_CONNECT,  // to `path`, bound to `bytes` first if there are any; the descriptor comes along
    TK_COMMAND_CONNECT_BRIEFLY,    // `count` children that connect to `path`, send `bytes`, and are gone
    TK_COMMAND_EXECUTE,  // `path` at `start_time`, a copy of this program, which goes on with the same socket
    TK_COMMAND_SET_IDS,   // these ids
    TK_COMMAND_THREAD,   // starts one and tells its number
    TK_COMMAND_NAMESPACE,  // moves to a user namespace of its own, without a map
    TK_COMMAND_KILL,      // kills the child `pid`, and leaves it a zombie
    TK_COMMAND_REAP,     // kills the child `pid`, and lets nothing of it be left
};

struct tk_command {
    uint32_t kind;
    int32_t pid;
    uint32_t resource;
    uint32_t has_new;
    uint64_t soft, hard;
    uint32_t uids[3], gids[3];  // real, effective, saved
    uint32_t group_count, first_group;
    uint32_t keeps_capabilities;
    uint32_t count;
    int64_t start_time;  // nanoseconds of CLOCK_MONOTONIC; 0 is at once
    uint32_t byte_count;
    uint8_t bytes[96];
    char path[108];
};

struct tk_command_result {
    int32_t result;  // or -errno
    int32_t pid;
    uint64_t soft, hard;
    uint32_t uids[3];
};

// Starts the program, as the user that we are; `socket` becomes our end of its socket.
int tk_process_start(const char *program, int *socket, int32_t *pid);
// One order and its report. `descriptor` becomes what came along, or -1.
int tk_command_run(int socket, const struct tk_command *command, struct tk_command_result *report, int *descriptor);
int tk_command_send(int socket, const struct tk_command *command);
int tk_command_receive(int socket, struct tk_command_result *report, int *descriptor);
int64_t tk_monotonic_nanoseconds(void);

#endif
