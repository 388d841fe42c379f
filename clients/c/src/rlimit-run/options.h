// The command line of rlimit-run.
#ifndef RLIMITD_OPTIONS_H
#define RLIMITD_OPTIONS_H

#include "rlimitd.h"

#define EXIT_NOT_STARTED 125
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127

struct run_options {
    bool is_optional;
    bool is_lease;
    uint64_t lease_ms;  // 0: as long as the command runs
    const char *socket;
    size_t count;
    struct rlimitd_edit edits[RLIMITD_RESOURCES];
    char **command;
};

// -1 after a message. Prints the help or the version and exits if the command line asks for it.
int parse_options(char **arguments, struct run_options *options);

#endif
