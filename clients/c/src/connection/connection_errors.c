#include "connection/connection_errors.h"

#include <errno.h>
#include <string.h>

#include "model/error.h"

int fail_deadline(const struct rlimitd *agent, struct rlimitd_error *error) {
    return fail(error, RLIMITD_DEADLINE_EXCEEDED, "no answer in time from the agent at %s", agent->path);
}

int fail_connection_lost(const struct rlimitd *agent, struct rlimitd_error *error, const char *call, int number) {
    char text[64];
    fail(error, RLIMITD_CONNECTION_LOST, "the connection to the agent at %s was lost: %s", agent->path, call);
    if (number != 0) append_message(error, ": %s", errno_description(number, text, sizeof text));
    return -1;
}

int fail_not_rlimitd(const struct rlimitd *agent, struct rlimitd_error *error, const char *reason) {
    return fail(error, RLIMITD_MALFORMED, "what answers at %s does not speak the rlimitd protocol: %s", agent->path,
                reason);
}

int fail_wrong_response(const struct rlimitd *agent, struct rlimitd_error *error) {
    return fail(error, RLIMITD_MALFORMED, "the agent at %s answered something else than it was asked", agent->path);
}

int fail_unreachable(const struct rlimitd *agent, struct rlimitd_error *error, const char *call, int number) {
    if (number == ETIMEDOUT) return fail_deadline(agent, error);
    char text[64];
    fail(error, RLIMITD_AGENT_UNREACHABLE, "no agent answers at %s (%s: %s)", agent->path, call,
         errno_description(number, text, sizeof text));
    error->error_number = number;
    switch (number) {
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED:
        // The unit serves only the default socket.
        if (agent->is_default_path) append_message(error, "; start it with: systemctl start rlimitd");
        break;
    case ENAMETOOLONG:
        append_message(error, "; a socket's path has at most 107 bytes");
        break;
    case EACCES:
        append_message(error, "; the socket or its folder does not let this user in");
        break;
    default:
        break;
    }
    return -1;
}

int fail_disconnected_twice(const struct rlimitd *agent, struct rlimitd_error *error) {
    char reason[RLIMITD_MESSAGE_SIZE];
    int number = error->error_number;
    memcpy(reason, error->message, sizeof reason);
    fail(error, RLIMITD_AGENT_UNREACHABLE, "the agent at %s hangs up: %s", agent->path, reason);
    error->error_number = number;
    return -1;
}
