// The benchmark's client in plain C, which shows the minimum cost of a client of this protocol.
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "arguments.h"
#include "bl_clock.h"
#include "bl_resource.h"
#include "call_loop.h"

static void raise_open_files(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

static int wait_for_server(const char *path) {
    puts("{\"ready\":true}");
    fflush(stdout);
    for (uint64_t end = bl_now() + 20000000000u; bl_now() < end; usleep(200)) {
        int descriptor = connection_open(path);
        if (descriptor < 0) continue;
        close(descriptor);
        return 1;
    }
    return 0;
}

// Connections that the parent process made and left open: BENCH_CONNECTED=FIRST:COUNT.
static void find_connected(int *first, int *count) {
    const char *text = getenv("BENCH_CONNECTED");
    if (text == NULL || sscanf(text, "%d:%d", first, count) != 2) *count = 0;
}

static int connect_all(struct call_loop *call_loop, const struct arguments *arguments) {
    call_loop->connection_count = arguments->mode == MODE_CONC ? arguments->parameter : 1;
    call_loop->outstanding = arguments->mode == MODE_PIPE ? arguments->parameter : 1;
    call_loop->connections = calloc((size_t)call_loop->connection_count, sizeof *call_loop->connections);
    call_loop->poller = arguments->mode == MODE_CONC ? epoll_create1(EPOLL_CLOEXEC) : -1;
    if (call_loop->connections == NULL) return 0;
    int first = 0, connected = 0;
    find_connected(&first, &connected);
    for (int index = 0; index < call_loop->connection_count; index++) {
        struct connection *connection = &call_loop->connections[index];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        int descriptor = index < connected ? first + index : connection_open(arguments->socket);
        connection_init(connection, descriptor, call_loop->outstanding);
        if (call_loop->poller >= 0 && epoll_ctl(call_loop->poller, EPOLL_CTL_ADD, connection->descriptor, &event) != 0) return 0;
    }
    return 1;
}

int main(int count, char **words) {
    struct arguments arguments = arguments_read(count, words);
    struct exchange exchange = {.pid = arguments.pid};
    struct samples samples = {0};
    struct call_loop call_loop = {.exchange = &exchange, .poll = {.window = arguments.spin}};
    raise_open_files();
    if (arguments.mode == MODE_FIRST && !wait_for_server(arguments.socket)) {
        fputs("baseline-client: no server listens\n", stderr);
        return 1;
    }
    if (!connect_all(&call_loop, &arguments)) {
        perror("baseline-client");
        return 1;
    }
    if (arguments.mode == MODE_FIRST) {
        call_loop_run(&call_loop, 1);
        printf("{\"mode\":\"first\",\"t_mono_ns\":%" PRIu64 "}\n", bl_now());
        return exchange.errors != 0;
    }
    if (arguments.set != 0) {
        struct rlimit now;
        if (prlimit(arguments.pid, (enum __rlimit_resource)bl_resource_kernel(arguments.set), NULL, &now) != 0) {
            perror("baseline-client: prlimit");
            return 1;
        }
        exchange.set = arguments.set;
        exchange.present = now.rlim_cur;
    }
    call_loop_run(&call_loop, arguments.warmup > call_loop.connection_count ? arguments.warmup : call_loop.connection_count);
    samples_start(&samples, &arguments);
    call_loop.samples = &samples;
    call_loop_run(&call_loop, arguments.calls);
    samples_stop(&samples);
    if (exchange.set != 0) {
        // Restores the limits.
        call_loop.samples = NULL;
        exchange.turn = 1;
        call_loop_run(&call_loop, 1);
    }
    samples_print(&samples, &arguments, exchange.errors, exchange.soft, exchange.hard);
    return exchange.errors != 0;
}
