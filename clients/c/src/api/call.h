// What the functions of rlimitd.h that take a way to the agent have in common.
#ifndef RLIMITD_CALL_H
#define RLIMITD_CALL_H

#include "internal.h"

// One call: the way to the agent, the process it is about, and until when.
struct call {
    struct rlimitd *agent;
    struct rlimitd *temporary;  // made for this call alone
    uint64_t deadline;
    struct rlimitd_error *error;
    struct rlimitd_error local_error;
    struct resolved_target resolved;
    int cancel_state;       // whether the thread could be cancelled
};

// Of a call on a target; -1 with an error. Whatever comes of it, `end_call` is the last.
int begin_call(struct call *call, struct rlimitd *agent, const struct rlimitd_target *target, struct rlimitd_error *error);
int end_call(struct call *call, int value);
bool uses_kernel(const struct call *call);
// -1 with INVALID_ARGUMENT where the target is of the other kind; `others` is the function for that.
int require_single_process(const struct call *call, const char *others);
int require_group(const struct call *call, const char *other);
int require_duration(uint64_t duration_ms, struct rlimitd_error *error);
// A new result; NULL with an error.
void *new_call_result(struct call *call, size_t size);

// A result goes to whoever wants it, if it came to one.
#define RETURN_RESULT(value, created, out)        \
    do {                                  \
        if ((value) == 0 && (out) != NULL) \
            *(out) = (created);              \
        else                              \
            rlimitd_free(created);           \
    } while (0)

// The resources of a list, a bit each; 0 where there is a wrong one.
uint32_t resource_set(const int *resources, size_t count, struct rlimitd_error *error);
int require_scope(enum rlimitd_scope scope, pid_t thread, struct rlimitd_error *error);
void encode_prlimit(Rlimitd__V1__Prlimit *message, Rlimitd__V1__Limit *limit, int resource,
                          const struct rlimitd_limit *new_limit);
void encode_usage(Rlimitd__V1__GetUsage *message, enum rlimitd_scope scope, pid_t thread);

#endif
