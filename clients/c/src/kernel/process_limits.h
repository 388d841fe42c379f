// Limits of a process by prlimit(2) and /proc/PID/limits.
#ifndef RLIMITD_PROCESS_LIMITS_H
#define RLIMITD_PROCESS_LIMITS_H

#include "kernel/resolved_target.h"

int read_limit(const struct resolved_target *resolved, int resource, struct rlimitd_limit *limit,
               struct rlimitd_error *error);
// Sets both halves and returns the old limit in `old`.
int exchange_limit(const struct resolved_target *resolved, int resource, struct rlimitd_limit wanted,
                   struct rlimitd_limit *old, struct rlimitd_error *error);
// Reads `resources` (a bit each) by prlimit(2): 1, or -1 with an error. 0 if prlimit(2) refuses; it then refuses every
// change too.
int read_if_permitted(const struct resolved_target *resolved, uint32_t resources, struct rlimitd_limits *limits,
                      struct rlimitd_error *error);
// The same, then /proc/PID/limits, which every user can read: 0 if neither shows all of `resources`.
int read_visible_limits(const struct resolved_target *resolved, uint32_t resources, struct rlimitd_limits *limits,
                        struct rlimitd_error *error);

#endif
