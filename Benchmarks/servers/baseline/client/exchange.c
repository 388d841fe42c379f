#include "exchange.h"

#include "bl_arena.h"
#include "bl_frame.h"
#include "rlimitd.pb-c.h"

size_t exchange_encode(struct exchange *exchange, uint64_t id, unsigned char *out) {
    Rlimitd__V1__Request request = RLIMITD__V1__REQUEST__INIT;
    Rlimitd__V1__Target target = RLIMITD__V1__TARGET__INIT;
    Rlimitd__V1__Get get = RLIMITD__V1__GET__INIT;
    Rlimitd__V1__Set set = RLIMITD__V1__SET__INIT;
    Rlimitd__V1__Edit edit = RLIMITD__V1__EDIT__INIT;
    Rlimitd__V1__Edit *edits[] = {&edit};
    Rlimitd__V1__Resource files[] = {RLIMITD__V1__RESOURCE__RESOURCE_NOFILE};
    Rlimitd__V1__Target *request_target = NULL;
    request.has_id = 1;
    request.id = id;
    if (exchange->pid != 0) {
        target.process_case = RLIMITD__V1__TARGET__PROCESS_PID;
        target.pid = (uint64_t)exchange->pid;
        request_target = &target;
    }
    if (exchange->set != 0) {
        edit.has_resource = edit.has_soft = 1;
        edit.resource = (Rlimitd__V1__Resource)exchange->set;
        edit.soft = exchange->turn++ & 1 ? exchange->present : exchange->present - 1;
        set.target = request_target;
        set.n_edits = 1;
        set.edits = edits;
        request.operation_case = RLIMITD__V1__REQUEST__OPERATION_SET;
        request.set = &set;
    } else {
        get.target = request_target;
        get.n_resources = 1;
        get.resources = files;
        request.operation_case = RLIMITD__V1__REQUEST__OPERATION_GET;
        request.get = &get;
    }
    return bl_frame_write(&request.base, out, EXCHANGE_MAX_REQUEST);
}

uint64_t exchange_decode(struct exchange *exchange, const unsigned char *message, size_t length) {
    static struct bl_arena arena;
    if (arena.allocator.alloc == NULL) bl_arena_init(&arena);
    Rlimitd__V1__Response *response = rlimitd__v1__response__unpack(bl_arena_reset(&arena), length, message);
    const Rlimitd__V1__Limit *limit = NULL;
    if (response == NULL) {
        exchange->errors++;
        return 0;
    }
    if (response->outcome_case == RLIMITD__V1__RESPONSE__OUTCOME_LIMITS && response->limits->n_limits == 1)
        limit = response->limits->limits[0]->limit;
    if (response->outcome_case == RLIMITD__V1__RESPONSE__OUTCOME_CHANGES && response->changes->n_changes == 1)
        limit = response->changes->changes[0]->new_;
    if (limit == NULL) {
        exchange->errors++;
        return response->id;
    }
    exchange->soft = limit->soft;
    exchange->hard = limit->hard;
    return response->id;
}
