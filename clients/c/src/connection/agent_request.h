// A request, and how its response is decoded.
#ifndef RLIMITD_AGENT_REQUEST_H
#define RLIMITD_AGENT_REQUEST_H

#include "kernel/resolved_target.h"
#include "wire/protocol.h"

struct agent_request {
    Request message;
    int pidfd;        // sent with the request; -1: none
    const struct resolved_target *held;  // the other process that the request is about, held by a pidfd; NULL: none
    bool only_reads;  // executing it twice has the same effect as once
    // Any other kind of response is rejected.
    Rlimitd__V1__Response__OutcomeCase expected_outcome;
    // Decodes one part of the response: 0, or -1 with an error. The response is valid only until it returns.
    int (*decode)(void *destination, const Response *part, bool is_first, struct rlimitd_error *error);
    void *destination;
};

void init_agent_request(struct agent_request *agent_request, const struct resolved_target *resolved, bool only_reads);

#endif
