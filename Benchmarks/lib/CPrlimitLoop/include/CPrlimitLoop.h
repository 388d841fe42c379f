// What the agent's sets are measured against: prlimit(2), called in a loop by a process that may.
#ifndef CPRLIMITLOOP_H
#define CPRLIMITLOOP_H

#include <stddef.h>
#include <stdint.h>

// Sets the soft limit of open files of each process once; the hard one stays. Returns the nanoseconds that it took, or -errno.
int64_t pl_set_open_files(const int32_t *pids, size_t count, uint64_t soft);

#endif
