#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/clock.h"
#include "unit.h"

static void hanging_agent(void) {
    struct scripted_agent scripted;
    struct rlimitd_limits limits;
    struct rlimitd_error error;
    may_answer = 0;
    start_scripted_agent(&scripted, serve_late);
    struct rlimitd *agent = open_scripted(&scripted, 50, RLIMITD_AGENT_ONLY);
    uint64_t began = monotonic_now();
    CHECK_CODE(get_nofile(agent, &limits, &error), error, RLIMITD_DEADLINE_EXCEEDED);
    CHECK(errno == ETIMEDOUT && monotonic_now() - began >= 50000000);
    // The late response is not mistaken for the response to the next request.
    may_answer = 1;
    CHECK(rlimitd_configure(agent, 5000, RLIMITD_AGENT_ONLY) == 0);
    CHECK(get_nofile(agent, &limits, &error) == 0 && limits.of[RLIMIT_NOFILE].soft == 101);
    CHECK(scripted.connections == 1);
    CHECK(rlimitd_configure(agent, RLIMITD_NO_TIME, RLIMITD_AGENT_ONLY) == 0);
    CHECK_CODE(get_nofile(agent, &limits, &error), error, RLIMITD_DEADLINE_EXCEEDED);
    CHECK(rlimitd_configure(agent, 0, 2) == -1 && errno == EINVAL);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
}

// Closes the first connection, or every connection: in the middle of the response to a get, before the response to a
// set.
static bool closes_always;

static void serve_closing(struct scripted_agent *scripted, int fd) {
    Request *request;
    while ((request = next_request(scripted, fd, NULL)) != NULL) {
        bool is_get = request->operation_case == RLIMITD__V1__REQUEST__OPERATION_GET;
        if (scripted->connections == 1 || closes_always) {
            if (is_get) {
                unsigned char *frame;
                size_t count = frame_of(limits_response(request, 1), &frame);
                send_bytes(fd, frame, count / 2);
                free(frame);
            }
            free_request(request);
            return;
        }
        answer(fd, limits_response(request, 9));
        free_request(request);
    }
}

static void closing_agent(void) {
    struct scripted_agent scripted;
    struct rlimitd_limits limits;
    struct rlimitd_error error;
    closes_always = false;
    start_scripted_agent(&scripted, serve_closing);
    struct rlimitd *agent = open_scripted(&scripted, 0, RLIMITD_AGENT_ONLY);
    // A request that only reads is sent again.
    CHECK(get_nofile(agent, &limits, &error) == 0 && limits.of[RLIMIT_NOFILE].soft == 9);
    CHECK(scripted.connections == 2 && scripted.requests == 2);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
    closes_always = true;
    start_scripted_agent(&scripted, serve_closing);
    agent = open_scripted(&scripted, 0, RLIMITD_AGENT_ONLY);
    CHECK_CODE(get_nofile(agent, &limits, &error), error, RLIMITD_CONNECTION_LOST);
    CHECK(scripted.requests == 2 && errno == ECONNRESET);
    // A request that may have been executed is not.
    struct rlimitd_edit edit = rlimitd_edit_exact(RLIMIT_NOFILE, 1, 1);
    CHECK_CODE(rlimitd_set(agent, NULL, &edit, 1, NULL, &error), error, RLIMITD_CONNECTION_LOST);
    CHECK(scripted.requests == 3);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
}

static void serve_full(struct scripted_agent *scripted, int fd) {
    (void)scripted;
    answer(fd, error_response(0, RLIMITD_QUOTA_EXCEEDED, "too many connections"));
}

static void rejecting_agent(void) {
    struct scripted_agent scripted;
    struct rlimitd_error error;
    start_scripted_agent(&scripted, serve_full);
    struct rlimitd *agent = open_scripted(&scripted, 0, RLIMITD_AGENT_ONLY);
    for (int round = 0; round < 20; round++) {
        CHECK_CODE(get_nofile(agent, NULL, &error), error, RLIMITD_QUOTA_EXCEEDED);
    }
    CHECK(strcmp(error.message, "too many connections") == 0);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
}

static void serve_with_descriptors(struct scripted_agent *scripted, int fd) {
    Request *request;
    while ((request = next_request(scripted, fd, NULL)) != NULL) {
        unsigned char *frame;
        size_t count = frame_of(limits_response(request, 3), &frame);
        union {
            struct cmsghdr header;
            char bytes[CMSG_SPACE(sizeof(int))];
        } control = {.bytes = {0}};
        struct iovec vector = {.iov_base = frame, .iov_len = count};
        struct msghdr message = {
            .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
        sendmsg(fd, &message, MSG_NOSIGNAL);
        free(frame);
        free_request(request);
    }
}

static void sends_descriptors(void) {
    struct scripted_agent scripted;
    struct rlimitd_limits limits;
    start_scripted_agent(&scripted, serve_with_descriptors);
    struct rlimitd *agent = open_scripted(&scripted, 0, RLIMITD_AGENT_ONLY);
    CHECK(get_nofile(agent, &limits, NULL) == 0);
    int before = count_descriptors();
    for (int round = 0; round < 10; round++) CHECK(get_nofile(agent, &limits, NULL) == 0);
    CHECK(count_descriptors() == before);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
}

static _Atomic int received_pidfds, received_target;

static void serve_target(struct scripted_agent *scripted, int fd) {
    Request *request;
    int descriptors = 0;
    while ((request = next_request(scripted, fd, &descriptors)) != NULL) {
        received_pidfds = descriptors;
        received_target = request->get->target != NULL ? (int)request->get->target->process_case : 0;
        answer(fd, limits_response(request, 4));
        free_request(request);
        descriptors = 0;
    }
}

static void names_processes_by_pidfd(void) {
    struct scripted_agent scripted;
    struct rlimitd_limits limits;
    struct rlimitd_error error;
    start_scripted_agent(&scripted, serve_target);
    struct rlimitd *agent = open_scripted(&scripted, 0, RLIMITD_AGENT_ONLY);
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    struct rlimitd_target target = rlimitd_process(child);
    int before = count_descriptors();
    CHECK(rlimitd_get(agent, &target, nofile, 1, &limits, &error) == 0);
    CHECK(received_pidfds == 1 && received_target == RLIMITD__V1__TARGET__PROCESS_PIDFD);
    CHECK(count_descriptors() == before + 2);  // both ends of the connection
    int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    target = rlimitd_pidfd(pidfd);
    CHECK(rlimitd_get(agent, &target, nofile, 1, &limits, &error) == 0 && received_pidfds == 1);
    // The calling process needs no target in the request.
    target = rlimitd_process(getpid());
    CHECK(rlimitd_get(agent, &target, nofile, 1, &limits, &error) == 0 && received_pidfds == 0 && received_target == 0);
    CHECK(rlimitd_get(agent, NULL, nofile, 1, &limits, &error) == 0 && received_pidfds == 0 && received_target == 0);
    target = rlimitd_pidfd(0);
    CHECK_CODE(rlimitd_get(agent, &target, nofile, 1, &limits, &error), error, RLIMITD_INVALID_ARGUMENT);
    target = rlimitd_pidfd(99999);
    CHECK_CODE(rlimitd_get(agent, &target, nofile, 1, &limits, &error), error, RLIMITD_INVALID_ARGUMENT);
    CHECK(errno == EBADF);
    kill(child, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
    target = rlimitd_pidfd(pidfd);
    CHECK_CODE(rlimitd_get(agent, &target, nofile, 1, &limits, &error), error, RLIMITD_NO_SUCH_PROCESS);
    waitpid(child, NULL, 0);
    target = rlimitd_process(child);
    CHECK_CODE(rlimitd_get(agent, &target, nofile, 1, &limits, &error), error, RLIMITD_NO_SUCH_PROCESS);
    close(pidfd);
    rlimitd_close(agent);
    CHECK(scripted.requests == 4);
    stop_scripted_agent(&scripted);
}

// ---- The name of another process, by what the agent says in server_info

static _Atomic int told_depth, told_may_attach, asked_infos, received_pid, received_identity, ends_child;

static void serve_naming(struct scripted_agent *scripted, int fd) {
    Request *request;
    int descriptors = 0;
    while ((request = next_request(scripted, fd, &descriptors)) != NULL) {
        if (request->operation_case == RLIMITD__V1__REQUEST__OPERATION_SERVER_INFO) {
            char word[] = "pid-identity", *words[] = {word};
            Rlimitd__V1__Caller caller = RLIMITD__V1__CALLER__INIT;
            Rlimitd__V1__ServerInfo info = RLIMITD__V1__SERVER_INFO__INIT;
            Response *response = response_to(request);
            caller.has_namespace_depth = caller.has_may_attach = 1;
            caller.namespace_depth = (uint32_t)told_depth;
            caller.may_attach = told_may_attach;
            info.features = words;
            info.n_features = 1;
            info.caller = &caller;
            response->outcome_case = RLIMITD__V1__RESPONSE__OUTCOME_SERVER_INFO;
            response->server_info = &info;
            answer(fd, response);
            asked_infos++;
        } else {
            const Rlimitd__V1__Target *target = request->operation_case == RLIMITD__V1__REQUEST__OPERATION_GET
                                                    ? request->get->target
                                                    : request->set->target;
            bool is_pid = target->process_case == RLIMITD__V1__TARGET__PROCESS_PID;
            received_pidfds = descriptors;
            received_target = (int)target->process_case;
            received_pid = is_pid ? (int)target->pid : 0;
            received_identity = target->has_pidfd_inode || target->has_start_time;
            if (ends_child) {
                siginfo_t ended;
                kill(received_pid, SIGKILL);
                waitid(P_PID, (id_t)received_pid, &ended, WEXITED | WNOWAIT);
            }
            if (request->operation_case == RLIMITD__V1__REQUEST__OPERATION_GET) {
                answer(fd, limits_response(request, 4));
            } else {
                answer(fd, error_response(request->id, RLIMITD__V1__ERROR_CODE__ERROR_CODE_CONFLICT, "no"));
            }
        }
        free_request(request);
        descriptors = 0;
    }
}

static void names_processes_as_the_agent_says(void) {
    struct scripted_agent scripted;
    struct rlimitd_limits limits;
    struct rlimitd_error error;
    struct rlimitd_edit edit = rlimitd_edit_exact(RLIMIT_NOFILE, 3, 4);
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    struct rlimitd_target target = rlimitd_process(child);
    ends_child = 0;
    for (int may_attach = 0; may_attach < 2; may_attach++) {
        for (int depth = 1; depth < 3; depth++) {
            start_scripted_agent(&scripted, serve_naming);
            scripted.shows_server_info = true;
            told_depth = depth;
            told_may_attach = may_attach;
            asked_infos = 0;
            struct rlimitd *agent = open_scripted(&scripted, 0, RLIMITD_AGENT_ONLY);
            CHECK(rlimitd_get(agent, &target, nofile, 1, &limits, &error) == 0);
            CHECK(received_pid == (depth == 1 ? child : 0) && !received_identity);
            CHECK(received_pidfds == (depth == 2 && may_attach));
            CHECK(depth == 1 || received_target == RLIMITD__V1__TARGET__PROCESS_PIDFD);
            CHECK_CODE(rlimitd_set(agent, &target, &edit, 1, NULL, &error), error, RLIMITD_CONFLICT);
            CHECK(received_pid == (depth == 1 ? child : 0) && received_identity == (depth == 1));
            // An agent that receives no pidfd is asked before each request, because its policy may have changed.
            CHECK(asked_infos == (depth == 2 && !may_attach ? 2 : 1));
            rlimitd_close(agent);
            stop_scripted_agent(&scripted);
        }
    }
    start_scripted_agent(&scripted, serve_naming);
    scripted.shows_server_info = true;
    told_depth = 1;
    ends_child = 1;
    struct rlimitd *agent = open_scripted(&scripted, 0, RLIMITD_AGENT_ONLY);
    CHECK_CODE(rlimitd_get(agent, &target, nofile, 1, &limits, &error), error, RLIMITD_NO_SUCH_PROCESS);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
    waitpid(child, NULL, 0);
}

void connection_tests(void) {
    test("an agent that does not answer in time", hanging_agent);
    test("an agent that closes the connection during a response", closing_agent);
    test("an agent that sends an error before it closes the connection", rejecting_agent);
    test("descriptors from the agent are closed", sends_descriptors);
    if (has_kernel()) test("a request names a process by a pidfd", names_processes_by_pidfd);
    if (has_kernel()) test("a request names a process as the agent says", names_processes_as_the_agent_says);
}
