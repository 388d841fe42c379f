#include "model/resource.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "model/error.h"

#ifndef RLIMITD_VERSION
#define RLIMITD_VERSION "0"
#endif

// In the order of the protocol, which numbers resources from 1. The kernel's numbers differ between architectures.
static const struct {
    int number;
    const char *name;
    enum resource_unit unit;
} resources[RLIMITD_RESOURCES] = {
    {RLIMIT_CPU, "cpu", SECONDS},          {RLIMIT_FSIZE, "fsize", BYTES},
    {RLIMIT_DATA, "data", BYTES},          {RLIMIT_STACK, "stack", BYTES},
    {RLIMIT_CORE, "core", BYTES},          {RLIMIT_RSS, "rss", BYTES},
    {RLIMIT_NPROC, "nproc", COUNT},        {RLIMIT_NOFILE, "nofile", COUNT},
    {RLIMIT_MEMLOCK, "memlock", BYTES},    {RLIMIT_AS, "as", BYTES},
    {RLIMIT_LOCKS, "locks", COUNT},        {RLIMIT_SIGPENDING, "sigpending", COUNT},
    {RLIMIT_MSGQUEUE, "msgqueue", BYTES},  {RLIMIT_NICE, "nice", NICE_LEVEL},
    {RLIMIT_RTPRIO, "rtprio", PRIORITY},   {RLIMIT_RTTIME, "rttime", MICROSECONDS},
};

static int index_of(int resource) {
    for (int index = 0; index < RLIMITD_RESOURCES; index++) {
        if (resources[index].number == resource) return index;
    }
    return -1;
}

const char *rlimitd_version(void) { return RLIMITD_VERSION; }

const char *rlimitd_resource_name(int resource) {
    int index = index_of(resource);
    return index < 0 ? NULL : resources[index].name;
}

Rlimitd__V1__Resource resource_to_wire(int resource) { return (Rlimitd__V1__Resource)(index_of(resource) + 1); }

int resource_from_wire(Rlimitd__V1__Resource number) {
    unsigned index = (unsigned)number - 1;
    return index < RLIMITD_RESOURCES ? resources[index].number : -1;
}

int resource_at_index(size_t index) { return resources[index].number; }

bool is_resource(int resource) { return index_of(resource) >= 0; }

enum resource_unit resource_unit(int resource) { return resources[index_of(resource)].unit; }

bool is_leasable(int resource) {
    switch (resource) {
    case RLIMIT_CORE:
    case RLIMIT_NPROC:
    case RLIMIT_NOFILE:
    case RLIMIT_MEMLOCK:
    case RLIMIT_SIGPENDING:
    case RLIMIT_MSGQUEUE:
        return true;
    default:
        return false;
    }
}

int require_resource(int resource, int edit_index, struct rlimitd_error *error) {
    if (is_resource(resource)) return 0;
    fail(error, RLIMITD_INVALID_RESOURCE, "there is no resource %d; they are the RLIMIT_* of <sys/resource.h>",
         resource);
    error->edit_index = edit_index;
    return -1;
}

// ---- Names

// The Levenshtein distance: how many letters must be inserted, removed or replaced to turn one word into the other.
static size_t edit_distance(const char *left, const char *right) {
    size_t row[16], width = strlen(right);
    if (width >= sizeof row / sizeof *row) return SIZE_MAX;
    for (size_t column = 0; column <= width; column++) row[column] = column;
    for (size_t line = 0; left[line] != '\0'; line++) {
        size_t diagonal = row[0];
        row[0] = line + 1;
        for (size_t column = 0; column < width; column++) {
            size_t above = row[column + 1];
            size_t best = diagonal + (left[line] != right[column]);
            if (above + 1 < best) best = above + 1;
            if (row[column] + 1 < best) best = row[column] + 1;
            row[column + 1] = best;
            diagonal = above;
        }
    }
    return row[width];
}

int parse_resource(const char *name, size_t length, struct rlimitd_error *error) {
    char word[24] = "";
    size_t count = 0;
    if (length >= 7 && strncasecmp(name, "rlimit_", 7) == 0) {
        for (size_t index = 7; index < length && count < sizeof word - 1; index++) {
            word[count++] = (char)tolower((unsigned char)name[index]);
        }
    } else {
        for (size_t index = 0; index < length && count < sizeof word - 1; index++) {
            word[count++] = (char)tolower((unsigned char)name[index]);
        }
    }
    word[count] = '\0';
    if (strcmp(word, "ofile") == 0) return RLIMIT_NOFILE;
    if (strcmp(word, "vmem") == 0) return RLIMIT_AS;
    static const char *const other_systems[] = {"sbsize", "swap", "npts", "kqueues", "umtxp"};
    for (size_t index = 0; index < sizeof other_systems / sizeof *other_systems; index++) {
        if (strcmp(word, other_systems[index]) == 0) {
            return fail(error, RLIMITD_UNSUPPORTED, "Linux has no resource \"%s\"; other systems do", word);
        }
    }
    size_t nearest = 0, min_distance = SIZE_MAX;
    for (size_t index = 0; index < RLIMITD_RESOURCES; index++) {
        if (strcmp(word, resources[index].name) == 0) return resources[index].number;
        size_t letters = edit_distance(word, resources[index].name);
        if (letters < min_distance) {
            min_distance = letters;
            nearest = index;
        }
    }
    int printed_length = length > 1000 ? 1000 : (int)length;
    if (min_distance <= 3) {
        return fail(error, RLIMITD_INVALID_RESOURCE, "unknown resource \"%.*s\"; did you mean \"%s\"?", printed_length,
                    name, resources[nearest].name);
    }
    return fail(error, RLIMITD_INVALID_RESOURCE,
                "unknown resource \"%.*s\"; the names are cpu fsize data stack core rss nproc nofile memlock as locks "
                "sigpending msgqueue nice rtprio rttime", printed_length, name);
}

int rlimitd_resource_by_name(const char *name, struct rlimitd_error *error) {
    struct rlimitd_error local_error;
    if (error == NULL) error = &local_error;
    int resource = parse_resource(name, strlen(name), error);
    return resource >= 0 ? resource : set_errno(-1, error);
}
