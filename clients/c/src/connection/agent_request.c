#include "connection/agent_request.h"

void init_agent_request(struct agent_request *agent_request, const struct resolved_target *resolved, bool only_reads) {
    *agent_request = (struct agent_request){.pidfd = -1, .only_reads = only_reads};
    rlimitd__v1__request__init(&agent_request->message);
    if (resolved != NULL && resolved->kind == TARGET_PIDFD) agent_request->held = resolved;
}
