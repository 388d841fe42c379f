#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "connection/connection.h"
#include "model/resource.h"
#include "unit.h"

struct worker {
    pthread_t thread;
    struct rlimitd *agent;
    int resource;
    int wrong;
};

static void *work(void *data) {
    struct worker *worker = data;
    for (int round = 0; round < 200; round++) {
        struct rlimitd_limits limits;
        bool is_right = rlimitd_get(worker->agent, NULL, &worker->resource, 1, &limits, NULL) == 0 &&
                        limits.of[worker->resource].hard == 1000 + (uint64_t)resource_to_wire(worker->resource);
        if (!is_right) worker->wrong++;
    }
    return NULL;
}

static void eight_threads(void) {
    struct scripted_agent scripted;
    struct worker workers[8];
    start_scripted_agent(&scripted, serve_well);
    struct rlimitd *agent = open_scripted(&scripted, 20000, RLIMITD_AGENT_ONLY);
    for (int i = 0; i < 8; i++) {
        workers[i] = (struct worker){.agent = agent, .resource = i};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(workers[i].thread, NULL);
        CHECK(workers[i].wrong == 0);
    }
    CHECK(scripted.connections == 1 && scripted.requests == 1600);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
}

static void *hang(void *data) {
    struct rlimitd_limits limits;
    return get_nofile(data, &limits, NULL) == 0 ? NULL : data;
}

// A thread that is cancelled during a call ends after it, and has released the lock.
static void a_thread_that_is_cancelled(void) {
    struct scripted_agent scripted;
    pthread_t waiting;
    may_answer = 0;
    start_scripted_agent(&scripted, serve_late);
    struct rlimitd *agent = open_scripted(&scripted, 5000, RLIMITD_AGENT_ONLY);
    pthread_create(&waiting, NULL, hang, agent);
    while (scripted.requests == 0) usleep(1000);
    pthread_cancel(waiting);
    may_answer = 1;
    pthread_join(waiting, NULL);
    struct rlimitd_limits limits;
    CHECK(get_nofile(agent, &limits, NULL) == 0 && limits.of[RLIMIT_NOFILE].soft == 101);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
}

// Answers the first connection only after it has served a second one.
static void serve_both(struct scripted_agent *scripted, int fd) {
    if (scripted->connections > 1) return serve_well(scripted, fd);
    Request *request = next_request(scripted, fd, NULL);
    int next = accept4(scripted->listener, NULL, NULL, SOCK_CLOEXEC);
    scripted->connections++;
    serve_well(scripted, next);
    close(next);
    answer(fd, limits_response(request, 1000));
    free_request(request);
    serve_well(scripted, fd);
}

static void a_child_while_a_thread_waits(void) {
    struct scripted_agent scripted;
    pthread_t waiting;
    void *ended;
    start_scripted_agent(&scripted, serve_both);
    struct rlimitd *agent = open_scripted(&scripted, 20000, RLIMITD_AGENT_ONLY);
    pthread_create(&waiting, NULL, hang, agent);
    // From here on a thread that the child does not have holds the lock.
    while (scripted.requests == 0) usleep(1000);
    pid_t child = fork();
    if (child == 0) {
        close(scripted.listener);
        struct rlimitd_limits limits;
        int fd = atomic_load(&agent->fd);
        bool is_right = get_nofile(agent, &limits, NULL) == 0 && limits.of[RLIMIT_NOFILE].soft == 1000;
        // The child has closed its copy of the parent's connection, so that the connection ends with the parent.
        is_right = is_right && (atomic_load(&agent->fd) == fd || fcntl(fd, F_GETFD) < 0);
        rlimitd_close(agent);
        _exit(is_right ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
    pthread_join(waiting, &ended);
    CHECK(ended == NULL);
    struct rlimitd_limits limits;
    CHECK(get_nofile(agent, &limits, NULL) == 0);
    CHECK(scripted.connections == 2);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
}

static void a_child_that_only_closes(void) {
    struct scripted_agent scripted;
    struct rlimitd_limits limits;
    start_scripted_agent(&scripted, serve_well);
    struct rlimitd *agent = open_scripted(&scripted, 0, RLIMITD_AGENT_ONLY);
    CHECK(get_nofile(agent, &limits, NULL) == 0);
    pid_t child = fork();
    if (child == 0) {
        int fd = atomic_load(&agent->fd);
        rlimitd_close(agent);
        _exit(fcntl(fd, F_GETFD) < 0 ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK(get_nofile(agent, &limits, NULL) == 0 && scripted.connections == 1);
    rlimitd_close(agent);
    stop_scripted_agent(&scripted);
}

void fork_tests(void) {
    test("eight threads share one connection", eight_threads);
    test("a cancelled thread releases the connection", a_thread_that_is_cancelled);
    if (has_kernel()) test("a child makes a connection of its own while a thread of its parent waits", a_child_while_a_thread_waits);
    if (has_kernel()) test("a child that closes the connection leaves the parent's open", a_child_that_only_closes);
}
