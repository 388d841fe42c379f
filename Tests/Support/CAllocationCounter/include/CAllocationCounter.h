// Counts what the calling thread asks malloc(3) and its kin for, so that a test can say "none".
#ifndef C_ALLOCATION_COUNTER_H
#define C_ALLOCATION_COUNTER_H

// How often this thread allocated since it began; always 0 under a sanitizer, which has an allocator of its own.
unsigned long allocation_count(void);

// Allocates and frees `size` bytes in a way that no compiler takes out.
void allocate_once(unsigned long size);

#endif
