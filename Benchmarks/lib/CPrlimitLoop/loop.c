#define _GNU_SOURCE
#include "CPrlimitLoop.h"

#include <errno.h>
#include <sys/resource.h>
#include <time.h>

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t pl_set_open_files(const int32_t *pids, size_t count, uint64_t soft) {
    int64_t start = now();
    for (size_t index = 0; index < count; index++) {
        struct rlimit limit;
        if (prlimit(pids[index], RLIMIT_NOFILE, NULL, &limit) != 0) return -errno;
        limit.rlim_cur = soft;
        if (prlimit(pids[index], RLIMIT_NOFILE, &limit, NULL) != 0) return -errno;
    }
    return now() - start;
}
