#include "bl_arena.h"

static void *arena_alloc(void *data, size_t size) {
    struct bl_arena *arena = data;
    if (size > sizeof arena->bytes - arena->used) return NULL;
    void *piece = arena->bytes + arena->used;
    size_t rounded = (size + 15) & ~(size_t)15;
    arena->used = rounded < sizeof arena->bytes - arena->used ? arena->used + rounded : sizeof arena->bytes;
    return piece;
}

static void arena_free(void *data, void *piece) {
    (void)data;
    (void)piece;
}

void bl_arena_init(struct bl_arena *arena) {
    arena->allocator = (ProtobufCAllocator){.alloc = arena_alloc, .free = arena_free, .allocator_data = arena};
    arena->used = 0;
}
