#include "connection/buffer.h"

#include <sys/mman.h>

unsigned char *map_memory(size_t size) {
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return bytes == MAP_FAILED ? NULL : bytes;
}

void replace_buffer(struct buffer *buffer, unsigned char *bytes, size_t size, bool is_mapped) {
    struct buffer old = *buffer;
    *buffer = (struct buffer){bytes, size, is_mapped};
    if (old.is_mapped) munmap(old.bytes, old.size);
}
