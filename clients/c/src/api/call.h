// A call of a function of rlimitd.h that takes a connection.
#ifndef RLIMITD_CALL_H
#define RLIMITD_CALL_H

#include "connection/connection.h"
#include "kernel/resolved_target.h"
#include "rlimitd.h"

struct call {
    struct rlimitd *agent;
    struct rlimitd *temporary;  // the connection of this call alone; NULL: the caller gave one
    uint64_t deadline;
    struct rlimitd_error *error;
    struct rlimitd_error local_error;
    struct resolved_target resolved;
    int cancel_state;  // of the thread before the call
};

// -1 with an error. Needs `end_call` in either case.
int begin_call(struct call *call, struct rlimitd *agent, const struct rlimitd_target *target,
               struct rlimitd_error *error);
int end_call(struct call *call, int value);
// Whether the kernel is asked before the agent.
bool uses_kernel(const struct call *call);
// -1 with INVALID_ARGUMENT for the other kind of target. The message names the function that takes it.
int require_single_process(const struct call *call, const char *others);
int require_group(const struct call *call, const char *other);
// A new result; NULL with an error.
void *new_call_result(struct call *call, size_t size);

// Gives the result to the caller if the call succeeded and the caller wants it; frees it otherwise.
#define RETURN_RESULT(value, created, out) \
    do {                                   \
        if ((value) == 0 && (out) != NULL) \
            *(out) = (created);            \
        else                               \
            rlimitd_free(created);         \
    } while (0)

#endif
