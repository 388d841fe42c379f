#include "model/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// The header of a block. The first block of a result begins the list of its blocks.
struct block {
    struct block *next;
    _Alignas(max_align_t) unsigned char bytes[];
};

static struct block *new_block(size_t size) {
    if (size > SIZE_MAX - sizeof(struct block)) return NULL;
    return calloc(1, sizeof(struct block) + size);
}

static struct block *block_of(const void *bytes) {
    return (struct block *)((uintptr_t)bytes - offsetof(struct block, bytes));
}

void *allocate_result(size_t size) {
    struct block *block = new_block(size);
    return block == NULL ? NULL : block->bytes;
}

void *allocate_in_result(const void *result, size_t size) {
    struct block *first = block_of(result), *block = new_block(size);
    if (block == NULL) return NULL;
    block->next = first->next;
    first->next = block;
    return block->bytes;
}

char *copy_text_to_result(const void *result, const char *text, size_t length) {
    char *copy = allocate_in_result(result, length + 1);
    if (copy != NULL) memcpy(copy, text, length);
    return copy;
}

void rlimitd_free(const void *result) {
    int number = errno;
    struct block *block = result == NULL ? NULL : block_of(result);
    while (block != NULL) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    errno = number;
}
