#define _GNU_SOURCE
#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "bl_frame.h"

// All connections share these buffers. Between two events, a connection keeps only unprocessed bytes.
static unsigned char input[65536];
static unsigned char output[4 * 65536];

struct connection *connection_open(int descriptor) {
    struct connection *connection = calloc(1, sizeof *connection);
    socklen_t length = sizeof(struct ucred);
    if (connection == NULL ||
        getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &connection->caller, &length) != 0) {
        free(connection);
        close(descriptor);
        return NULL;
    }
    connection->descriptor = descriptor;
    return connection;
}

void connection_close(struct connection *connection) {
    close(connection->descriptor);
    free(connection->input);
    free(connection->output);
    free(connection);
}

static int save_rest(unsigned char **saved, size_t *saved_count, const unsigned char *bytes, size_t count) {
    free(*saved);
    *saved = NULL;
    *saved_count = count;
    if (count == 0) return 0;
    *saved = malloc(count);
    if (*saved == NULL) return -1;
    memcpy(*saved, bytes, count);
    return 0;
}

static int send_some(struct connection *connection, const unsigned char *bytes, size_t count) {
    ssize_t sent = send(connection->descriptor, bytes, count, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR) return -1;
        sent = 0;
    }
    if ((size_t)sent == count && connection->output == NULL) return 0;
    // The bytes can be in the kept buffer, so they are copied before it is freed.
    unsigned char *old = connection->output;
    connection->output = NULL;
    int result = save_rest(&connection->output, &connection->output_count, bytes + sent, count - (size_t)sent);
    free(old);
    return result;
}

int connection_readable(struct connection *connection) {
    if (connection->input_count > 0) memcpy(input, connection->input, connection->input_count);
    ssize_t received =
        recv(connection->descriptor, input + connection->input_count, sizeof input - connection->input_count, 0);
    if (received < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (received == 0) return -1;
    size_t count = connection->input_count + (size_t)received, start = 0, written = 0;
    for (;;) {
        long length = bl_frame_payload(input + start, count - start, BL_MAX_REQUEST);
        if (length < 0) return -1;
        if (length == 0) break;
        size_t added = answer(&connection->caller, input + start + BL_FRAME_HEADER, (size_t)length, output + written,
                              sizeof output - written);
        if (added == 0) return -1;
        written += added;
        start += BL_FRAME_HEADER + (size_t)length;
    }
    if ((count > start || connection->input != NULL) &&
        save_rest(&connection->input, &connection->input_count, input + start, count - start) != 0)
        return -1;
    return written > 0 ? send_some(connection, output, written) : 0;
}

int connection_writable(struct connection *connection) {
    return connection->output == NULL ? 0 : send_some(connection, connection->output, connection->output_count);
}
