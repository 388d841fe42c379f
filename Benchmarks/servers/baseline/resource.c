#define _GNU_SOURCE
#include "bl_resource.h"

#include <string.h>

static const struct {
    const char *name;
    int kernel;
} resources[BL_RESOURCES] = {
    {"cpu", RLIMIT_CPU},         {"fsize", RLIMIT_FSIZE},   {"data", RLIMIT_DATA},
    {"stack", RLIMIT_STACK},     {"core", RLIMIT_CORE},     {"rss", RLIMIT_RSS},
    {"nproc", RLIMIT_NPROC},     {"nofile", RLIMIT_NOFILE}, {"memlock", RLIMIT_MEMLOCK},
    {"as", RLIMIT_AS},           {"locks", RLIMIT_LOCKS},   {"sigpending", RLIMIT_SIGPENDING},
    {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE},   {"rtprio", RLIMIT_RTPRIO},
    {"rttime", RLIMIT_RTTIME},
};

int bl_resource_kernel(int number) {
    return number >= 1 && number <= BL_RESOURCES ? resources[number - 1].kernel : -1;
}

int bl_resource_named(const char *name) {
    for (int index = 0; index < BL_RESOURCES; index++)
        if (strcmp(resources[index].name, name) == 0) return index + 1;
    return 0;
}
