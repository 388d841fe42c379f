// Sets limits by prlimit(2) in a loop, for comparison with sets through the agent.
#ifndef CPRLIMITLOOP_H
#define CPRLIMITLOOP_H

#include <stddef.h>
#include <stdint.h>

// Sets the soft limit of open files of each process once and keeps the hard limit. Returns the duration in nanoseconds,
// or -errno.
int64_t pl_set_open_files(const int32_t *pids, size_t count, uint64_t soft);

#endif
