// The messages between a test and its controlled processes. A controlled process has the ids that the test chose. It
// performs one operation for each command on its socket, which costs less than the start of a process.
#ifndef CTESTCOMMAND_H
#define CTESTCOMMAND_H

#include <stddef.h>
#include <stdint.h>

enum tk_command_kind {
    TK_COMMAND_FORK,             // forks a process with these ids and, unless 0, this `pid`; returns its socket
    TK_COMMAND_PRLIMIT,          // prlimit(2) on `pid`
    TK_COMMAND_CONNECT,          // connects to `path`, after bind(2) to `bytes` if not empty; returns the descriptor
    TK_COMMAND_CONNECT_BRIEFLY,  // forks `count` children that connect to `path`, send `bytes` and exit
    TK_COMMAND_EXECUTE,          // executes `path` at `start_time`: a copy of this program, which keeps the socket
    TK_COMMAND_SET_IDS,          // changes to these ids
    TK_COMMAND_SET_GROUPS,       // changes to these supplementary groups
    TK_COMMAND_THREAD,           // starts a thread and returns its id
    TK_COMMAND_NAMESPACE,        // moves to a new user namespace without an id map
    TK_COMMAND_KILL,             // kills the child `pid` and leaves a zombie
    TK_COMMAND_REAP,             // kills and reaps the child `pid`
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
    int64_t start_time;  // nanoseconds of CLOCK_MONOTONIC; 0 means now
    uint32_t byte_count;
    uint8_t bytes[96];
    char path[108];
};

struct tk_command_result {
    int32_t result;  // -errno on failure
    int32_t pid;
    uint64_t soft, hard;
    uint32_t uids[3];
};

// Starts the program as the user of the tests. `socket` becomes the test's end of its socket.
int tk_process_start(const char *program, int *socket, int32_t *pid);
// Sends a command and receives its result. `descriptor` becomes the descriptor in the result, or -1.
int tk_command_run(int socket, const struct tk_command *command, struct tk_command_result *report, int *descriptor);
int tk_command_send(int socket, const struct tk_command *command);
int tk_command_receive(int socket, struct tk_command_result *report, int *descriptor);
int64_t tk_monotonic_nanoseconds(void);

#endif
