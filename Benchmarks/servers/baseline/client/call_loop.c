#define _GNU_SOURCE
#include "call_loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "bl_clock.h"
#include "bl_frame.h"

static unsigned char output[MAX_OUTSTANDING * EXCHANGE_MAX_REQUEST];

static size_t begin(struct call_loop *call_loop, struct connection *connection, uint64_t id, uint64_t now, size_t written) {
    if (call_loop->remaining == 0) return written;
    call_loop->remaining--;
    call_loop->in_flight++;
    connection->starts[id - 1] = now;
    return written + exchange_encode(call_loop->exchange, id, output + written);
}

// Handles the responses of one receive. Sends the calls that replace the completed ones together.
static void receive_responses(struct call_loop *call_loop, struct connection *connection) {
    size_t start = 0, written = 0;
    for (;;) {
        long length = bl_frame_payload(connection->input + start, connection->input_count - start, BL_MAX_RESPONSE);
        if (length == 0) break;
        uint64_t id = length < 0 ? 0 : exchange_decode(call_loop->exchange, connection->input + start + BL_FRAME_HEADER, (size_t)length);
        if (id < 1 || id > (uint64_t)call_loop->outstanding) {
            fputs("baseline-client: a response to no call\n", stderr);
            exit(1);
        }
        start += BL_FRAME_HEADER + (size_t)length;
        uint64_t now = bl_now();
        call_loop->in_flight--;
        if (call_loop->samples != NULL) {
            samples_add(call_loop->samples, now - connection->starts[id - 1]);
            if (now > call_loop->samples->deadline) call_loop->remaining = 0;
        }
        // With a single outstanding call, time passes between the response and the next call.
        written = begin(call_loop, connection, id, call_loop->outstanding == 1 ? bl_now() : now, written);
    }
    connection_consume(connection, start);
    if (written > 0) connection_send(connection, output, written);
}

void call_loop_run(struct call_loop *call_loop, long calls) {
    struct bl_busy_poll never = {0};
    struct epoll_event events[128];
    call_loop->remaining = calls;
    for (int index = 0; index < call_loop->connection_count && call_loop->remaining > 0; index++) {
        size_t written = 0;
        for (int id = 1; id <= call_loop->outstanding; id++)
            written = begin(call_loop, &call_loop->connections[index], (uint64_t)id, bl_now(), written);
        connection_send(&call_loop->connections[index], output, written);
    }
    while (call_loop->in_flight > 0) {
        if (call_loop->poller < 0) {
            connection_receive(&call_loop->connections[0], &call_loop->poll);
            receive_responses(call_loop, &call_loop->connections[0]);
            continue;
        }
        int count = epoll_wait(call_loop->poller, events, 128, -1);
        for (int index = 0; index < count; index++) {
            struct connection *connection = events[index].data.ptr;
            connection_receive(connection, &never);
            receive_responses(call_loop, connection);
        }
    }
}
