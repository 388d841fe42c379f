// Memory for one message: protobuf-c takes a piece for each part of it, and all of them are given back at once.
#ifndef BL_ARENA_H
#define BL_ARENA_H

#include <protobuf-c/protobuf-c.h>

struct bl_arena {
    ProtobufCAllocator allocator;
    size_t used;
    _Alignas(16) unsigned char bytes[16384];
};

// The arena must stay where it is: its allocator points at it.
void bl_arena_init(struct bl_arena *arena);

// Takes everything back; what protobuf-c's unpack wants.
static inline ProtobufCAllocator *bl_arena_reset(struct bl_arena *arena) {
    arena->used = 0;
    return &arena->allocator;
}

#endif
