// The memory of one message. protobuf-c allocates each part of the message here, and one call frees all parts.
#ifndef BL_ARENA_H
#define BL_ARENA_H

#include <protobuf-c/protobuf-c.h>

struct bl_arena {
    ProtobufCAllocator allocator;
    size_t used;
    _Alignas(16) unsigned char bytes[16384];
};

// The arena must not move, because its allocator points at it.
void bl_arena_init(struct bl_arena *arena);

// Frees everything and returns the allocator for protobuf-c's unpack.
static inline ProtobufCAllocator *bl_arena_reset(struct bl_arena *arena) {
    arena->used = 0;
    return &arena->allocator;
}

#endif
