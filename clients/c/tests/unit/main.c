// Tests with scripted agents only.
#include "unit.h"

#include <unistd.h>

const int nofile[1] = {RLIMIT_NOFILE};

int get_nofile(struct rlimitd *agent, struct rlimitd_limits *limits, struct rlimitd_error *error) {
    return rlimitd_get(agent, NULL, nofile, 1, limits, error);
}

_Atomic int may_answer;

void serve_late(struct scripted_agent *scripted, int fd) {
    Request *request;
    for (int round = 0; (request = next_request(scripted, fd, NULL)) != NULL; round++) {
        while (round == 0 && may_answer == 0) usleep(1000);
        answer(fd, limits_response(request, (uint64_t)(100 + round)));
        free_request(request);
    }
}

int main(void) {
    text_tests();
    response_tests();
    connection_tests();
    fork_tests();
    trust_tests();
    kernel_first_tests();
    return summary();
}
