#include "connection/response_arena.h"

#include "connection/connection_errors.h"
#include "model/error.h"

#define MAX_ARENA_SIZE (8u << 20)

static void *allocate_in_arena(void *data, size_t size) {
    struct rlimitd *agent = data;
    size_t needed = (size + 15) & ~(size_t)15;
    if (needed < size || needed > agent->arena.size - agent->arena_used) return NULL;
    void *bytes = agent->arena.bytes + agent->arena_used;
    agent->arena_used += needed;
    return bytes;
}

static void ignore_free(void *data, void *bytes) {
    (void)data;
    (void)bytes;
}

const Response *decode_response(struct rlimitd *agent, const unsigned char *bytes, size_t count,
                                struct rlimitd_error *error) {
    ProtobufCAllocator allocator = {.alloc = allocate_in_arena, .free = ignore_free, .allocator_data = agent};
    while (true) {
        agent->arena_used = 0;
        const Response *response = rlimitd__v1__response__unpack(&allocator, count, bytes);
        if (response != NULL) return response;
        size_t size = agent->arena.size * 8;
        if (size > MAX_ARENA_SIZE) {
            fail_not_rlimitd(agent, error, "a response that needs too much memory");
            return NULL;
        }
        unsigned char *mapped = map_memory(size);
        if (mapped == NULL) {
            fail_out_of_memory(error);
            return NULL;
        }
        replace_buffer(&agent->arena, mapped, size, true);
    }
}
