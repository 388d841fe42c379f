// Memory from mmap(2) instead of the heap.
#ifndef RLIMITD_BUFFER_H
#define RLIMITD_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    unsigned char *bytes;
    size_t size;
    bool is_mapped;  // else the bytes are part of the struct that holds the buffer
};

// NULL if there is no memory.
unsigned char *map_memory(size_t size);
// Unmaps the old bytes if they were mapped.
void replace_buffer(struct buffer *buffer, unsigned char *bytes, size_t size, bool is_mapped);

#endif
