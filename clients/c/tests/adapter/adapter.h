// What the adapter knows while it answers a request.
#ifndef TESTS_ADAPTER_H
#define TESTS_ADAPTER_H

#include "json.h"
#include "rlimitd.h"

#define MAX_ITEMS 64

struct adapter {
    struct rlimitd *agent;
    // The last error: of the library, or of the adapter for a request that the types of C cannot express.
    struct rlimitd_error error;
    // The request.
    struct rlimitd_target target;
    bool has_target;
    int pidfd;
    int resources[MAX_ITEMS];
    size_t resource_count;
    struct rlimitd_edit edits[MAX_ITEMS];
    size_t edit_count;
};

// Sets the error and returns -1.
int fail(struct adapter *adapter, enum rlimitd_code code, const char *message);
// Calls the function of rlimitd.h that a request names, and writes the members of the answer.
int dispatch(struct adapter *adapter, const struct json *request);

#endif
