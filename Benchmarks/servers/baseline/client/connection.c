#define _GNU_SOURCE
#include "connection.h"

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

int connection_open(const char *path) {
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

void connection_init(struct connection *connection, int descriptor, int outstanding) {
    if (descriptor < 0) fail("connect");
    connection->descriptor = descriptor;
    connection->input_count = 0;
    connection->input_room = 512 * ((size_t)outstanding + 1);
    connection->input = malloc(connection->input_room);
    if (connection->input == NULL) fail("malloc");
}

void connection_send(struct connection *connection, const unsigned char *bytes, size_t count) {
    while (count > 0) {
        ssize_t sent = send(connection->descriptor, bytes, count, MSG_NOSIGNAL);
        if (sent < 0) fail("send");
        bytes += sent;
        count -= (size_t)sent;
    }
}

void connection_receive(struct connection *connection, struct bl_busy_poll *poll) {
    unsigned char *space = connection->input + connection->input_count;
    size_t room = connection->input_room - connection->input_count;
    ssize_t count = -1;
    if (bl_busy_poll_should_poll(poll)) {
        uint64_t end = bl_now() + poll->window;
        unsigned polls = 0;
        do {
            count = recv(connection->descriptor, space, room, MSG_DONTWAIT);
            polls++;
        } while (count < 0 && errno == EAGAIN && bl_now() < end);
        bl_busy_poll_record(poll, count >= 0, polls);
    }
    if (count < 0) count = recv(connection->descriptor, space, room, 0);
    if (count < 0) fail("recv");
    if (count == 0) {
        errno = ECONNRESET;
        fail("the server closed a connection");
    }
    connection->input_count += (size_t)count;
}

void connection_consume(struct connection *connection, size_t count) {
    connection->input_count -= count;
    if (connection->input_count > 0) memmove(connection->input, connection->input + count, connection->input_count);
}
