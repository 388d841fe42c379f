// Reads its own limit of open files again and again with librlimitd, from the agent only.
//
//   round-trip-c SOCKET CALLS WARMUP          prints {"calls", "p50_us", "p99_us"}
#define _POSIX_C_SOURCE 200809L
#include <rlimitd.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b) {
    const double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

int main(int count, char **words) {
    const long calls = count == 4 ? atol(words[2]) : 0, warmup = count == 4 ? atol(words[3]) : 0;
    double *took = calls > 0 && warmup >= 0 ? malloc((size_t)calls * sizeof *took) : NULL;
    if (took == NULL) {
        fprintf(stderr, "usage: round-trip-c SOCKET CALLS WARMUP\n");
        return 64;
    }
    const struct rlimitd_options options = {.socket = words[1], .flags = RLIMITD_AGENT_ONLY};
    const int resource = RLIMIT_NOFILE;
    struct rlimitd_error error;
    struct rlimitd *agent = rlimitd_open(&options, &error);
    for (long call = -warmup; call < calls; call++) {
        struct rlimitd_limits limits;
        const double start = now_us();
        if (agent == NULL || rlimitd_get(agent, NULL, &resource, 1, &limits, &error) != 0) {
            fprintf(stderr, "round-trip-c: %s\n", error.message);
            return 1;
        }
        if (call >= 0) took[call] = now_us() - start;
    }
    rlimitd_close(agent);
    qsort(took, (size_t)calls, sizeof *took, ascending);
    printf("{\"calls\": %ld, \"p50_us\": %.3f, \"p99_us\": %.3f}\n", calls, took[calls / 2], took[calls * 99 / 100]);
    free(took);
    return 0;
}
