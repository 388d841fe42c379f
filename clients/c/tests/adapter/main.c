// The adapter of this client for ../conformance. It reads requests and writes answers, each a line of JSON, and calls
// only functions of rlimitd.h.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapter.h"
#include "json.h"
#include "writer.h"

int fail(struct adapter *adapter, enum rlimitd_code code, const char *message) {
    int number = code == RLIMITD_NO_SUCH_PROCESS ? ESRCH : EINVAL;
    adapter->error = (struct rlimitd_error){.code = code, .error_number = number, .resource = -1, .edit_index = -1};
    snprintf(adapter->error.message, sizeof adapter->error.message, "%s", message);
    return -1;
}

int main(void) {
    struct adapter adapter = {.pidfd = -1};
    adapter.agent = rlimitd_open(NULL, &adapter.error);
    if (adapter.agent == NULL) return 1;
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        struct json *request = json_parse(line);
        begin_object();
        int value = request != NULL ? dispatch(&adapter, request)
                                    : fail(&adapter, RLIMITD_INVALID_ARGUMENT, "that is no JSON");
        if (value != 0) {
            write_key("error");
            write_error(&adapter.error);
        }
        end_object();
        putchar('\n');
        fflush(stdout);
        json_free(request);
    }
    free(line);
    if (adapter.pidfd >= 0) close(adapter.pidfd);
    rlimitd_close(adapter.agent);
    return 0;
}
