// The process or the processes that a call is about.
#ifndef RLIMITD_RESOLVED_TARGET_H
#define RLIMITD_RESOLVED_TARGET_H

#include "rlimitd.h"

enum resolved_target_kind {
    TARGET_SELF,       // the calling process
    TARGET_PIDFD,      // another process, held by a pidfd
    TARGET_PID,        // another process by its number: a seccomp filter older than pidfds refuses pidfd_open(2)
    TARGET_PROCESSES,  // the processes of a cgroup or pod
};

// Holds the process as long as the call lasts, so that its pid cannot come to mean another process.
struct resolved_target {
    enum resolved_target_kind kind;
    pid_t pid;      // in this PID namespace; 0: none, or unknown
    int pidfd;      // -1: none
    bool is_owned;  // `release_target` closes the pidfd
    const struct rlimitd_target *target;
    char name[56];  // "process 4242"
};

// -1 with NO_SUCH_PROCESS or INVALID_ARGUMENT. Needs `release_target` in either case.
int resolve_target(struct resolved_target *resolved, const struct rlimitd_target *target, struct rlimitd_error *error);
void release_target(struct resolved_target *resolved);
// -1 with NO_SUCH_PROCESS once the process has ended.
int require_alive(const struct resolved_target *resolved, struct rlimitd_error *error);

#endif
