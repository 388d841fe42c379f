// Counts the allocations of the calling thread with malloc(3) and related functions.
#ifndef C_ALLOCATION_COUNTER_H
#define C_ALLOCATION_COUNTER_H

// The number of allocations since the thread started. Always 0 with a sanitizer, which has its own allocator.
unsigned long allocation_count(void);

// Allocates and frees `size` bytes. The compiler cannot remove these calls.
void allocate_once(unsigned long size);

#endif
