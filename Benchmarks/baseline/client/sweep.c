#define _GNU_SOURCE
#include "sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "bl_clock.h"
#include "bl_frame.h"

static unsigned char output[LANE_OUTSTANDING * TALK_REQUEST];

static size_t begin(struct sweep *sweep, struct lane *lane, uint64_t id, uint64_t now, size_t written) {
    if (sweep->to_begin == 0) return written;
    sweep->to_begin--;
    sweep->under_way++;
    lane->starts[id - 1] = now;
    return written + talk_ask(sweep->talk, id, output + written);
}

// Takes in all that one receive brought; the calls that take the places of those answered go out together.
static void take_answers(struct sweep *sweep, struct lane *lane) {
    size_t start = 0, written = 0;
    for (;;) {
        long length = bl_frame_payload(lane->input + start, lane->input_count - start, BL_GREATEST_RESPONSE);
        if (length == 0) break;
        uint64_t id = length < 0 ? 0 : talk_hear(sweep->talk, lane->input + start + BL_FRAME_HEADER, (size_t)length);
        if (id < 1 || id > (uint64_t)sweep->outstanding) {
            fputs("baseline-client: an answer to nothing that was asked\n", stderr);
            exit(1);
        }
        start += BL_FRAME_HEADER + (size_t)length;
        uint64_t now = bl_now();
        sweep->under_way--;
        if (sweep->samples != NULL) {
            samples_add(sweep->samples, now - lane->starts[id - 1]);
            if (now > sweep->samples->deadline) sweep->to_begin = 0;
        }
        // With a single call there is time between the answer and the next one.
        written = begin(sweep, lane, id, sweep->outstanding == 1 ? bl_now() : now, written);
    }
    lane_consume(lane, start);
    if (written > 0) lane_send(lane, output, written);
}

void sweep_calls(struct sweep *sweep, long calls) {
    struct bl_busy_poll never = {0};
    struct epoll_event events[128];
    sweep->to_begin = calls;
    for (int index = 0; index < sweep->lane_count && sweep->to_begin > 0; index++) {
        size_t written = 0;
        for (int id = 1; id <= sweep->outstanding; id++)
            written = begin(sweep, &sweep->lanes[index], (uint64_t)id, bl_now(), written);
        lane_send(&sweep->lanes[index], output, written);
    }
    while (sweep->under_way > 0) {
        if (sweep->poller < 0) {
            lane_receive(&sweep->lanes[0], &sweep->poll);
            take_answers(sweep, &sweep->lanes[0]);
            continue;
        }
        int count = epoll_wait(sweep->poller, events, 128, -1);
        for (int index = 0; index < count; index++) {
            struct lane *lane = events[index].data.ptr;
            lane_receive(lane, &never);
            take_answers(sweep, lane);
        }
    }
}
