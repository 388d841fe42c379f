// Comparisons of limits, and their text in messages.
#ifndef RLIMITD_LIMIT_H
#define RLIMITD_LIMIT_H

#include "rlimitd.h"

typedef struct rlimitd_limit Limit;

static inline uint64_t min_of(uint64_t left, uint64_t right) { return left < right ? left : right; }
static inline uint64_t max_of(uint64_t left, uint64_t right) { return left > right ? left : right; }

bool limits_are_equal(Limit left, Limit right);
// -1 with SOFT_EXCEEDS_HARD. `edit_index` is -1 for a limit that is not of an edit.
int require_ordered(Limit limit, int resource, int edit_index, struct rlimitd_error *error);

// Without units: "1024:unlimited".
#define LIMIT_TEXT_SIZE 48
const char *format_bound(uint64_t bound, char text[LIMIT_TEXT_SIZE]);
const char *format_limit(Limit limit, char text[LIMIT_TEXT_SIZE]);

#endif
