#define _GNU_SOURCE
#include "loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "bl_busy_poll.h"
#include "bl_clock.h"
#include "connection.h"

enum { EVENTS = 128 };

static int wait_for_events(int poller, struct epoll_event *events, struct bl_busy_poll *poll) {
    if (bl_busy_poll_should_poll(poll)) {
        uint64_t end = bl_now() + poll->window;
        unsigned polls = 0;
        int count;
        do {
            count = epoll_wait(poller, events, EVENTS, 0);
            polls++;
        } while (count == 0 && bl_now() < end);
        bl_busy_poll_record(poll, count != 0, polls);
        if (count != 0) return count;
    }
    return epoll_wait(poller, events, EVENTS, -1);
}

static void accept_all(int poller, int listener) {
    int descriptor;
    while ((descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        struct connection *connection = connection_open(descriptor);
        if (connection == NULL) continue;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) != 0) connection_close(connection);
    }
}

static void handle_event(int poller, struct connection *connection, int is_readable) {
    int was_full = connection->output != NULL;
    int result = was_full || !is_readable ? connection_writable(connection) : connection_readable(connection);
    if (result != 0) return connection_close(connection);
    int is_full = connection->output != NULL;
    if (is_full == was_full) return;
    // Reads no requests of a peer that does not receive its responses.
    struct epoll_event event = {.events = is_full ? EPOLLOUT : EPOLLIN, .data.ptr = connection};
    epoll_ctl(poller, EPOLL_CTL_MOD, connection->descriptor, &event);
}

int serve(int listener, uint64_t busy_poll) {
    struct bl_busy_poll poll = {.window = busy_poll};
    struct epoll_event events[EVENTS];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    int poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) != 0) return errno;
    for (;;) {
        int count = wait_for_events(poller, events, &poll);
        if (count < 0 && errno != EINTR) return errno;
        for (int index = 0; index < count; index++) {
            if (events[index].data.ptr == NULL)
                accept_all(poller, listener);
            else
                handle_event(poller, events[index].data.ptr, events[index].events & (EPOLLIN | EPOLLHUP | EPOLLERR));
        }
    }
}
