// Results: blocks of the heap that rlimitd_free frees together.
#ifndef RLIMITD_RESULT_H
#define RLIMITD_RESULT_H

#include "rlimitd.h"

// The first block of a result, zeroed; NULL if there is no memory.
void *allocate_result(size_t size);
// Another block of the same result, zeroed; NULL if there is no memory.
void *allocate_in_result(const void *result, size_t size);
// A copy of a text, with a NUL behind it.
char *copy_text_to_result(const void *result, const char *text, size_t length);

#endif
