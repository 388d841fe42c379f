#define _GNU_SOURCE
#include "samples.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bl_clock.h"

static double processor_time(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void samples_start(struct samples *samples, const struct arguments *arguments) {
    samples->room = (size_t)arguments->calls;
    samples->nanoseconds = malloc(samples->room * sizeof *samples->nanoseconds);
    if (samples->nanoseconds == NULL) {
        perror("baseline-client: malloc");
        exit(1);
    }
    memset(samples->nanoseconds, 0xff, samples->room * sizeof *samples->nanoseconds);
    samples->processor = processor_time();
    samples->start = bl_now();
    samples->deadline = samples->start + (uint64_t)(arguments->max_seconds * 1e9);
}

void samples_stop(struct samples *samples) {
    samples->wall = (double)(bl_now() - samples->start) / 1e9;
    samples->processor = processor_time() - samples->processor;
}

static int compare(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

// Nearest rank: the minimum sample, in microseconds, that this many of a thousand do not exceed.
static double percentile(const struct samples *samples, size_t permille) {
    if (samples->count == 0) return 0;
    size_t rank = (samples->count * permille + 999) / 1000;
    return samples->nanoseconds[rank > 0 ? rank - 1 : 0] / 1000.0;
}

void samples_print(struct samples *samples, const struct arguments *arguments, long errors, uint64_t soft, uint64_t hard) {
    qsort(samples->nanoseconds, samples->count, sizeof *samples->nanoseconds, compare);
    printf("{\"mode\":\"%s\",\"param\":%d,\"calls\":%zu,\"errors\":%ld,\"wall_s\":%.6f,\"calls_per_s\":%.1f,"
           "\"min_us\":%.3f,\"p50_us\":%.3f,\"p90_us\":%.3f,\"p99_us\":%.3f,\"p999_us\":%.3f,\"max_us\":%.3f,"
           "\"cli_cpu_s\":%.6f,\"soft\":%" PRIu64 ",\"hard\":%" PRIu64 "}\n",
           arguments->mode_name, arguments->parameter, samples->count, errors, samples->wall,
           samples->wall > 0 ? (double)samples->count / samples->wall : 0, percentile(samples, 0),
           percentile(samples, 500), percentile(samples, 900), percentile(samples, 990), percentile(samples, 999),
           percentile(samples, 1000), samples->processor, soft, hard);
}
