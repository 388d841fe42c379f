#define _GNU_SOURCE
#include "lane.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bl_clock.h"

static void fail(const char *what) {
    fprintf(stderr, "baseline-client: %s: %s\n", what, strerror(errno));
    exit(1);
}

int lane_connect(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0) return descriptor;
    int number = errno;
    close(descriptor);
    errno = number;
    return -1;
}

void lane_init(struct lane *lane, int descriptor, int outstanding) {
    if (descriptor < 0) fail("connect");
    lane->descriptor = descriptor;
    lane->input_count = 0;
    lane->input_room = 512 * ((size_t)outstanding + 1);
    lane->input = malloc(lane->input_room);
    if (lane->input == NULL) fail("malloc");
}

void lane_send(struct lane *lane, const unsigned char *bytes, size_t count) {
    while (count > 0) {
        ssize_t sent = send(lane->descriptor, bytes, count, MSG_NOSIGNAL);
        if (sent < 0) fail("send");
        bytes += sent;
        count -= (size_t)sent;
    }
}

void lane_receive(struct lane *lane, struct bl_busy_poll *poll) {
    unsigned char *space = lane->input + lane->input_count;
    size_t room = lane->input_room - lane->input_count;
    ssize_t count = -1;
    if (bl_busy_poll_may(poll)) {
        uint64_t end = bl_now() + poll->window;
        unsigned looks = 0;
        do {
            count = recv(lane->descriptor, space, room, MSG_DONTWAIT);
            looks++;
        } while (count < 0 && errno == EAGAIN && bl_now() < end);
        bl_busy_poll_was(poll, count >= 0, looks);
    }
    if (count < 0) count = recv(lane->descriptor, space, room, 0);
    if (count < 0) fail("recv");
    if (count == 0) {
        errno = ECONNRESET;
        fail("the server closed a connection");
    }
    lane->input_count += (size_t)count;
}

void lane_consume(struct lane *lane, size_t count) {
    lane->input_count -= count;
    if (lane->input_count > 0) memmove(lane->input, lane->input + count, lane->input_count);
}
