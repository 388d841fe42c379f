// Checks of arguments that several calls take.
#ifndef RLIMITD_ARGUMENTS_H
#define RLIMITD_ARGUMENTS_H

#include "rlimitd.h"

// A bit for each resource of a list; 0 with INVALID_RESOURCE. An empty list means all sixteen.
uint32_t resource_set(const int *resources, size_t count, struct rlimitd_error *error);
// -1 with INVALID_ARGUMENT.
int require_scope(enum rlimitd_scope scope, pid_t thread, struct rlimitd_error *error);
int require_duration(uint64_t duration_ms, struct rlimitd_error *error);

#endif
