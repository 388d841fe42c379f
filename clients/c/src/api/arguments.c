#include "api/arguments.h"

#include "model/error.h"
#include "model/resource.h"
#include "wire/protocol.h"

uint32_t resource_set(const int *resources, size_t count, struct rlimitd_error *error) {
    if (count == 0) return ALL_RESOURCES;
    uint32_t set = 0;
    for (size_t i = 0; i < count; i++) {
        if (require_resource(resources[i], -1, error) != 0) return 0;
        set |= 1u << resources[i];
    }
    return set;
}

int require_scope(enum rlimitd_scope scope, pid_t thread, struct rlimitd_error *error) {
    if (scope > RLIMITD_OF_THREAD) {
        return fail(error, RLIMITD_INVALID_ARGUMENT, "unknown scope of usage %d", (int)scope);
    }
    if (scope == RLIMITD_OF_THREAD && thread <= 0) {
        return fail(error, RLIMITD_INVALID_ARGUMENT, "%d is not a thread id", (int)thread);
    }
    if (scope != RLIMITD_OF_THREAD && thread != 0) {
        return fail(error, RLIMITD_INVALID_ARGUMENT, "a thread is given, but the scope is not RLIMITD_OF_THREAD");
    }
    return 0;
}

int require_duration(uint64_t duration_ms, struct rlimitd_error *error) {
    if (duration_ms <= MAX_LEASE_MS) return 0;
    return fail(error, RLIMITD_INVALID_ARGUMENT, "a lease of %llu ms is longer than %llu ms",
                (unsigned long long)duration_ms, (unsigned long long)MAX_LEASE_MS);
}
