// The benchmark's client in plain C: the least that a client of this protocol can cost.
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
#include "sweep.h"

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
        int descriptor = lane_connect(path);
        if (descriptor < 0) continue;
        close(descriptor);
        return 1;
    }
    return 0;
}

// Connections that somebody else made and left open for us: BENCH_CONNECTED=FIRST:COUNT.
static void find_connected(int *first, int *count) {
    const char *text = getenv("BENCH_CONNECTED");
    if (text == NULL || sscanf(text, "%d:%d", first, count) != 2) *count = 0;
}

static int connect_all(struct sweep *sweep, const struct arguments *arguments) {
    sweep->lane_count = arguments->mode == MODE_CONC ? arguments->parameter : 1;
    sweep->outstanding = arguments->mode == MODE_PIPE ? arguments->parameter : 1;
    sweep->lanes = calloc((size_t)sweep->lane_count, sizeof *sweep->lanes);
    sweep->poller = arguments->mode == MODE_CONC ? epoll_create1(EPOLL_CLOEXEC) : -1;
    if (sweep->lanes == NULL) return 0;
    int first = 0, connected = 0;
    find_connected(&first, &connected);
    for (int index = 0; index < sweep->lane_count; index++) {
        struct lane *lane = &sweep->lanes[index];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = lane};
        int descriptor = index < connected ? first + index : lane_connect(arguments->socket);
        lane_init(lane, descriptor, sweep->outstanding);
        if (sweep->poller >= 0 && epoll_ctl(sweep->poller, EPOLL_CTL_ADD, lane->descriptor, &event) != 0) return 0;
    }
    return 1;
}

int main(int count, char **words) {
    struct arguments arguments = arguments_read(count, words);
    struct talk talk = {.pid = arguments.pid};
    struct samples samples = {0};
    struct sweep sweep = {.talk = &talk, .poll = {.window = arguments.spin}};
    raise_open_files();
    if (arguments.mode == MODE_FIRST && !wait_for_server(arguments.socket)) {
        fputs("baseline-client: nobody listens\n", stderr);
        return 1;
    }
    if (!connect_all(&sweep, &arguments)) {
        perror("baseline-client");
        return 1;
    }
    if (arguments.mode == MODE_FIRST) {
        sweep_calls(&sweep, 1);
        printf("{\"mode\":\"first\",\"t_mono_ns\":%" PRIu64 "}\n", bl_now());
        return talk.errors != 0;
    }
    if (arguments.set != 0) {
        struct rlimit now;
        if (prlimit(arguments.pid, (enum __rlimit_resource)bl_resource_kernel(arguments.set), NULL, &now) != 0) {
            perror("baseline-client: prlimit");
            return 1;
        }
        talk.set = arguments.set;
        talk.present = now.rlim_cur;
    }
    sweep_calls(&sweep, arguments.warmup > sweep.lane_count ? arguments.warmup : sweep.lane_count);
    samples_start(&samples, &arguments);
    sweep.samples = &samples;
    sweep_calls(&sweep, arguments.calls);
    samples_stop(&samples);
    if (talk.set != 0) {
        // The limits as they were.
        sweep.samples = NULL;
        talk.turn = 1;
        sweep_calls(&sweep, 1);
    }
    samples_print(&samples, &arguments, talk.errors, talk.soft, talk.hard);
    return talk.errors != 0;
}
