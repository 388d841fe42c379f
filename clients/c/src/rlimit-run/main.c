// rlimit-run: changes its own limits, which execve(2) preserves, and executes the command. Does what `rlimitctl run`
// does, in one static program.
#include <errno.h>
#include <unistd.h>

#include "connection/connection.h"
#include "message.h"
#include "model/error.h"
#include "options.h"

static void print_changes(const struct rlimitd_change *changes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *name = rlimitd_resource_name(changes[i].resource);
        if (changes[i].shortfall != NULL) {
            print_message("%s got less than requested: %s", name, changes[i].shortfall->message);
        }
        if (changes[i].warnings & RLIMITD_LIMITED_BY_USER_NAMESPACE) {
            print_message("%s: the kernel also enforces the limit of the creator of the process's user namespace, which can "
                          "be lower",
                          name);
        }
    }
}

static int apply_edits(struct rlimitd *agent, const struct run_options *options, const struct rlimitd_edit *edits,
                       size_t count, struct rlimitd_error *error) {
    if (!options->is_lease) {
        struct rlimitd_changes *changes;
        if (rlimitd_set(agent, NULL, edits, count, &changes, error) != 0) return -1;
        print_changes(changes->list, changes->count);
        rlimitd_free(changes);
        return 0;
    }
    struct rlimitd_lease *lease;
    if (rlimitd_lease(agent, NULL, edits, count, options->lease_ms, &lease, error) != 0) return -1;
    if (options->lease_ms == 0 && lease->remaining_ms > 0) {
        char text[64];
        print_message("the rule requires renewals, which a command does not make: this lease ends in %s",
                      format_duration(lease->remaining_ms, text));
    }
    print_changes(lease->changes, lease->count);
    rlimitd_free(lease);
    return 0;
}

// Whether the kernel or the agent refused, or no agent answered. The other errors mean that the edit itself is invalid.
static bool is_refusal(const struct rlimitd_error *error) {
    return error->code != RLIMITD_INVALID_ARGUMENT && error->code != RLIMITD_INVALID_RESOURCE &&
           error->code != RLIMITD_SOFT_EXCEEDS_HARD;
}

// The number of edits that were applied; -1 if the command must not be started.
static int apply_all(struct rlimitd *agent, const struct run_options *options, struct rlimitd_error *error) {
    if (!options->is_optional) {
        return apply_edits(agent, options, options->edits, options->count, error) == 0 ? (int)options->count : -1;
    }
    int applied_count = 0;
    // One by one, so that a refusal of one edit does not prevent the others.
    for (size_t i = 0; i < options->count; i++) {
        if (apply_edits(agent, options, &options->edits[i], 1, error) == 0) {
            applied_count++;
        } else if (is_refusal(error)) {
            print_message("%s stays as it is: %s", rlimitd_resource_name(options->edits[i].resource), error->message);
        } else {
            return -1;
        }
    }
    return applied_count;
}

int main(int count, char **arguments) {
    struct run_options options = {0};
    struct rlimitd_error error;
    if (parse_options(arguments + (count > 0), &options) != 0) return EXIT_NOT_STARTED;
    struct rlimitd *agent = rlimitd_open(&(struct rlimitd_options){.socket = options.socket}, &error);
    int applied_count = agent != NULL ? apply_all(agent, &options, &error) : -1;
    // A lease without a time lasts as long as the connection, which the command inherits.
    if (applied_count > 0 && options.is_lease && options.lease_ms == 0 &&
        keep_connection_across_exec(agent, &error) != 0) {
        applied_count = -1;
    }
    if (applied_count < 0) {
        print_message("%s", error.message);
        return EXIT_NOT_STARTED;
    }
    execvp(options.command[0], options.command);
    int number = errno;
    char text[64];
    print_message("cannot run \"%s\": execvp: %s", options.command[0], errno_description(number, text, sizeof text));
    return number == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}
