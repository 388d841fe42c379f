// Measures setrlimit(2) calls that the kernel permits, to show the overhead of a preloaded library.
//
//   allowed CALLS          prints the nanoseconds of one call
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

int main(int count, char **words) {
    const long calls = count == 2 ? atol(words[1]) : 0;
    struct rlimit limit;
    if (calls < 1 || getrlimit(RLIMIT_NOFILE, &limit) != 0) return 64;
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long call = 0; call < calls; call++) {
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.1f\n", ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) / (double)calls);
    return 0;
}
