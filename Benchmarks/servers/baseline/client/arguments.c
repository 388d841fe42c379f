#include "arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bl_resource.h"

static void usage(const char *why) {
    fprintf(stderr,
            "baseline-client: %s\nusage: baseline-client [--self] [--set RESOURCE] [--spin MICROSECONDS] SOCKET "
            "first|lat|conc|pipe CALLS WARMUP PARAM PID\n",
            why);
    exit(64);
}

static long number(const char *word, long min, long max, const char *why) {
    char *end;
    long value = strtol(word, &end, 10);
    if (end == word || *end != '\0' || value < min || value > max) usage(why);
    return value;
}

static enum mode mode_named(const char *name) {
    static const char *const names[] = {"first", "lat", "conc", "pipe"};
    for (int index = 0; index < 4; index++)
        if (strcmp(names[index], name) == 0) return (enum mode)index;
    usage("no such mode");
    return MODE_LAT;
}

struct arguments arguments_read(int count, char **words) {
    struct arguments arguments = {.max_seconds = 30};
    int self = 0, index = 1;
    for (; index < count && strncmp(words[index], "--", 2) == 0; index++) {
        if (strcmp(words[index], "--self") == 0) {
            self = 1;
        } else if (strcmp(words[index], "--set") == 0 && index + 1 < count) {
            arguments.set = bl_resource_named(words[++index]);
            if (arguments.set == 0) usage("no such resource");
        } else if (strcmp(words[index], "--spin") == 0 && index + 1 < count) {
            arguments.spin = (uint64_t)number(words[++index], 0, 1000000, "--spin takes microseconds") * 1000;
        } else {
            usage("unknown option");
        }
    }
    if (count - index != 6) usage("six arguments, please");
    words += index;
    arguments.socket = words[0];
    arguments.mode = mode_named(words[1]);
    arguments.mode_name = words[1];
    arguments.calls = number(words[2], 1, 1000000000, "CALLS is a number of at least 1");
    arguments.warmup = number(words[3], 0, 1000000000, "WARMUP is a number");
    arguments.parameter = (int)number(words[4], 1, 20000, "PARAM is a number from 1 to 20000");
    if (arguments.mode == MODE_PIPE && arguments.parameter > 128) usage("at most 128 calls are outstanding");
    arguments.pid = (int)number(words[5], 0, 4194304, "PID is a process id");
    if (self) arguments.pid = 0;
    const char *max_seconds = getenv("BENCH_MAX_S");
    if (max_seconds != NULL && (arguments.max_seconds = atof(max_seconds)) <= 0) usage("BENCH_MAX_S is a number of seconds");
    return arguments;
}
