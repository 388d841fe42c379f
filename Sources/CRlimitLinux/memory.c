#define _GNU_SOURCE
#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "CRlimitLinux.h"

// Segments without PF_W are never written, not even by relocations, so the file has their full content.
static int drop_segments(struct dl_phdr_info *object, size_t size, void *page_size) {
    (void)size;
    const uintptr_t page = *(const uintptr_t *)page_size;
    for (int index = 0; index < object->dlpi_phnum; index++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[index];
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
        const uintptr_t start = object->dlpi_addr + segment->p_vaddr;
        const uintptr_t first = start & ~(page - 1);
        const uintptr_t end = (start + segment->p_filesz + page - 1) & ~(page - 1);
        madvise((void *)first, end - first, MADV_DONTNEED);
    }
    return 0;
}

void rl_drop_code_pages(void) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    dl_iterate_phdr(drop_segments, &page);
}
