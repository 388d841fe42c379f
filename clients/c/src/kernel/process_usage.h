// Usage of a process by getrusage(2) and /proc.
#ifndef RLIMITD_PROCESS_USAGE_H
#define RLIMITD_PROCESS_USAGE_H

#include "kernel/resolved_target.h"

// 1; 0 if /proc hides the process; -1 with an error.
int read_usage(const struct resolved_target *resolved, enum rlimitd_scope scope, pid_t thread,
               struct rlimitd_usage *usage, struct rlimitd_error *error);

#endif
